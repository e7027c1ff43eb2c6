"""The command line: what an operator types, and what other programs rely on."""

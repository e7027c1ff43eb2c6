"""The terminal: a trader's verbs of `bracketd`, spoken to any server of the family over the public wire."""

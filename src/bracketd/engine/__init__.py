"""What happens: the rules of orders and brackets. Pure functions; no I/O, clock or randomness."""

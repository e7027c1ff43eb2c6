"""What exists: money, instruments, orders, brackets, commands, events and reasons. Pure values."""

"""What is traded and when: instruments, sessions, feeds."""

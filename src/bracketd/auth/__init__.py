"""Who may speak: clients, their passwords, their tokens, and the check that every request passes."""

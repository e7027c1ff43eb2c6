"""The paper exchange: an honest market for one account at a time."""

"""Where the parts are put together: the single writer, recovery, settings."""

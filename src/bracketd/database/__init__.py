"""What is kept: PostgreSQL, host by host, its warnings heard; SQLite's log on a bad disk; and the names of files."""

"""What keeps tables: PostgreSQL, its hosts tried one by one, its warnings heard; and SQLite's log on a bad disk."""

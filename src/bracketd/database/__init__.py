"""The connection to PostgreSQL: hosts tried one by one, warnings heard, tables brought up to date."""

"""The journal in PostgreSQL: one row a shard, one row a record, and a lease that fences in every append."""

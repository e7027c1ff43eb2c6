"""A replicated PostgreSQL on one machine, for development and tests: one Patroni and one etcd a node."""

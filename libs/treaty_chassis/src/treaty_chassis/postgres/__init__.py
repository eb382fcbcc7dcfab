"""PostgreSQL: engines, migrations that may run at once, and the transactional outbox with its relay."""

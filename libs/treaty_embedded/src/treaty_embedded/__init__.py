"""Development only: real Kafka, PostgreSQL and Valkey as child processes."""

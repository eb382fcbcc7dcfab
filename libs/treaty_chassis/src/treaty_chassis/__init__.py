"""The plumbing of the services: Kafka, HTTP, PostgreSQL, telemetry."""

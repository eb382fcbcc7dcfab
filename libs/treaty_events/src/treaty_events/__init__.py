"""What travels: envelope, event types, topics, schemas and the networks' forms."""

"""The edge to Kafka: what the log is, the node's own reader and the readers of old data."""

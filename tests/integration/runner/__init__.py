"""The exactly-once runner against a real broker: crashes, rebalances, poison, takeovers."""

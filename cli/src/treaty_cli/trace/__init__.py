"""`treaty trace`: where an uplink went, and why it did not arrive."""

"""What devices said: the last-known state of each, and their history."""

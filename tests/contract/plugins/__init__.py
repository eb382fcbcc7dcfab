"""What the shipped plugins promise, against the public data they commit."""

"""The commands of `treaty-contracts`, one module each."""

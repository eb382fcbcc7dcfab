"""Bring the platform up on this machine, keep it up, take it down."""

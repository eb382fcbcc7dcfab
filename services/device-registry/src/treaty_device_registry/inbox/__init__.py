"""Devices that speak and are not registered: what they sent is kept, and goes on once they are."""

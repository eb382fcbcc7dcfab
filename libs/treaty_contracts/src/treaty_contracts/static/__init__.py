"""Judges source without running it."""

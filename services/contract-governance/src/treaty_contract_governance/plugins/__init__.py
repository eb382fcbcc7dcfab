"""Plugins: verdicts in, decisions out."""

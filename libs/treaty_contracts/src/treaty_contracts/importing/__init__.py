"""Contracts of other tools, turned into treaty/v1."""

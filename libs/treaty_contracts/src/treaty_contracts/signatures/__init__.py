"""Promised against real: what calls bind, and which types stand for which."""

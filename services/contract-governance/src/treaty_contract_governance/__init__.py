"""Versioned schemas and contracts: admits, quarantines, reinstates."""

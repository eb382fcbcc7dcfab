"""Ingestion: who may speak, and what becomes of what they say."""

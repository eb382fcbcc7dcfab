"""Fans readings out over WebSocket with filters, snapshots and resume."""

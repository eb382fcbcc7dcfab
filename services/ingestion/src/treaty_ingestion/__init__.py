"""Authenticates raw uplinks, unwraps them, finds the device and routes."""

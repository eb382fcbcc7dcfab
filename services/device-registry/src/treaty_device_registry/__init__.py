"""Workspaces, sites, gateways, devices; last-known state and history."""

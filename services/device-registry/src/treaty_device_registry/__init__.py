"""Workspaces, sites, gateways, devices; last-known state and history; the inbox of unknown devices."""

"""Hosts the plugin workers that turn uplinks into readings."""

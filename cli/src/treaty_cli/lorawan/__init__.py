"""Plugins out of a checkout of the LoRaWAN device repository."""

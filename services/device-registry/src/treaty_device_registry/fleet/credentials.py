"""Secrets of gateways and keys of devices."""

from __future__ import annotations

import secrets

__all__ = ["new_secret"]


def new_secret() -> str:
    """256 random bits as base64url text. HMAC is keyed with the bytes of this text."""
    return secrets.token_urlsafe(32)

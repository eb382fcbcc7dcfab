"""How a gateway or a device signs a raw uplink. docs/protocols/ingestion.md is the public text.

signed bytes = gateway slug, 0x0A, the treaty-device header (empty where there is none), 0x0A,
timestamp (decimal ms), 0x0A, body. HMAC-SHA256 (RFC 2104, FIPS 180-4) keyed with the secret's bytes.
"""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["sign", "verify"]

VERSION = b"v1="


def sign(secret: bytes, gateway: str, timestamp: str, body: bytes, *, device: str = "") -> bytes:
    """The value of the treaty-signature header."""
    message = b"\n".join((gateway.encode(), device.encode(), timestamp.encode(), body))
    return VERSION + hmac.new(secret, message, hashlib.sha256).hexdigest().encode()


def verify(
    secret: bytes, signature: bytes, gateway: str, timestamp: str, body: bytes, *, device: str = ""
) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(sign(secret, gateway, timestamp, body, device=device), signature)

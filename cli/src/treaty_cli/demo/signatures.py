"""Signs a record as docs/protocols/ingestion.md asks: by the gateway's secret, or by the device's key."""

from __future__ import annotations

from dataclasses import replace

from treaty_cli.demo.seed import SeedDevice, SeedGateway
from treaty_events.fleet import Authentication
from treaty_events.headers import DEVICE, GATEWAY, SIGNATURE, TIMESTAMP, header
from treaty_events.networks import Wrapped
from treaty_events.signing import sign

__all__ = ["signed"]


def signed(
    gateway: SeedGateway, device: SeedDevice, wrapped: Wrapped, now_ms: int, secret: bytes | None = None
) -> Wrapped:
    """With the headers added. `secret` stands in for the one the seed gives: a forger's."""
    by_device = gateway.authentication is Authentication.DEVICE_KEY
    known = (device.key if by_device else gateway.secret) or ""
    timestamp = str(now_ms)
    named = header(wrapped.headers, DEVICE)
    if named is None and by_device:
        named = device.external_id.encode()
    signature = sign(
        known.encode() if secret is None else secret,
        gateway.slug,
        timestamp,
        wrapped.value,
        device="" if named is None else named.decode(),
    )
    added: list[tuple[str, bytes | None]] = [
        (GATEWAY, gateway.slug.encode()),
        (TIMESTAMP, timestamp.encode()),
        (SIGNATURE, signature),
    ]
    if named is not None and header(wrapped.headers, DEVICE) is None:
        added.append((DEVICE, named))
    return replace(wrapped, headers=[*wrapped.headers, *added])

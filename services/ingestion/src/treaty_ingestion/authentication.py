"""Who sent a raw record: proven by its topic, a gateway's signature or a device's key, or refused.

docs/protocols/ingestion.md is the public text. Nothing is taken on trust: a record on a gateway's own topic
is proven by it only where that gateway is registered to be, and must be signed otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from treaty_chassis.kafka.work import Record
from treaty_events.fleet import Authentication, GatewayChanged, Lifecycle
from treaty_events.headers import DEVICE, GATEWAY, SIGNATURE, TIMESTAMP, header
from treaty_events.networks.fields import eui_or_none
from treaty_events.signing import verify
from treaty_events.topics import RAW
from treaty_events.uplinks import Refusal
from treaty_ingestion.directory import Directory, KnownGateway

__all__ = ["TOLERANCE_MS", "RefusedError", "Sender", "authenticate", "claimed_gateway"]

TOLERANCE_MS: Final = 300_000
"""Between the time a record was signed at and its LogAppendTime, in either direction."""
_PREFIX: Final = "uplink.raw."
_SUFFIX: Final = ".v1"


class RefusedError(Exception):
    """The record goes no further. `gateway` is only set where it was proven."""

    def __init__(
        self,
        reason: Refusal,
        detail: str,
        *,
        gateway: GatewayChanged | None = None,
        external_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.gateway = gateway
        self.external_id = external_id


@dataclass(frozen=True, slots=True)
class Sender:
    """A proven gateway; `external_id` where the proof is of one device alone."""

    gateway: GatewayChanged
    external_id: str | None = None


def claimed_gateway(record: Record) -> str | None:
    """The slug of the gateway a raw record says it is of, by its topic or its header; nothing is proven."""
    if record.topic == RAW:
        return _text(record, GATEWAY)
    return record.topic[len(_PREFIX) : -len(_SUFFIX)]


def authenticate(directory: Directory, record: Record) -> Sender:
    """Raises RefusedError."""
    slug = None if record.topic == RAW else record.topic[len(_PREFIX) : -len(_SUFFIX)]
    if slug is not None:
        known = directory.gateway_by_slug(slug)
        if known is None:
            raise RefusedError(Refusal.UNKNOWN_GATEWAY, f"no gateway has the topic {record.topic[:300]}")
        gateway = known.gateway
        if gateway.authentication is Authentication.TOPIC and gateway.topic == record.topic:
            return Sender(_active(gateway))
    return _signed(directory, record, slug)


def _signed(directory: Directory, record: Record, slug: str | None) -> Sender:
    claimed = _text(record, GATEWAY)
    timestamp = _text(record, TIMESTAMP)
    signature = header(record.headers, SIGNATURE)
    if claimed is None or timestamp is None or signature is None:
        raise RefusedError(Refusal.UNSIGNED, f"expected the headers {GATEWAY}, {TIMESTAMP} and {SIGNATURE}")
    if slug is not None and claimed != slug:
        raise RefusedError(
            Refusal.BAD_SIGNATURE, f"signed as {claimed[:64]!r} on the topic of the gateway {slug!r}"
        )
    known = directory.gateway_by_slug(claimed)
    if known is None:
        raise RefusedError(Refusal.UNKNOWN_GATEWAY, f"no gateway has the slug {claimed[:64]!r}")
    external_id = None
    if known.gateway.authentication is Authentication.DEVICE_KEY:
        external_id = _prove_device(directory, known, record, timestamp, signature)
    else:
        _prove_gateway(known, record, timestamp, signature)
    _check_time(timestamp, record.timestamp_ms)
    return Sender(_active(known.gateway), external_id)


def _prove_gateway(known: KnownGateway, record: Record, timestamp: str, signature: bytes) -> None:
    slug = known.gateway.slug
    if known.gateway.authentication is not Authentication.SIGNATURE:
        raise RefusedError(
            Refusal.BAD_SIGNATURE, f"the gateway {slug!r} proves itself by its topic, not by a signature"
        )
    value, device = record.value or b"", _text(record, DEVICE) or ""
    if known.secret is None or not verify(known.secret, signature, slug, timestamp, value, device=device):
        raise RefusedError(
            Refusal.BAD_SIGNATURE,
            f"not the signature of {slug!r} over this {DEVICE} header, timestamp and value",
        )


def _prove_device(
    directory: Directory, known: KnownGateway, record: Record, timestamp: str, signature: bytes
) -> str:
    gateway = known.gateway
    named = _text(record, DEVICE)
    if named is None:
        raise RefusedError(
            Refusal.UNSIGNED, f"expected the header {DEVICE}: {gateway.slug!r} signs by device key"
        )
    external_id = eui_or_none(named) or named
    device = directory.device(gateway.workspace, external_id)
    # An unknown device has no key, so nothing is proven and nothing may wait in the workspace's inbox.
    key = None if device is None else device.key
    if key is None or not verify(key, signature, gateway.slug, timestamp, record.value or b"", device=named):
        raise RefusedError(
            Refusal.BAD_SIGNATURE,
            f"not the signature of {named[:128]!r} of {gateway.slug!r} over this timestamp and value",
        )
    return external_id


def _check_time(timestamp: str, appended_at: int) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise RefusedError(Refusal.STALE_SIGNATURE, "the timestamp is no time in milliseconds")
    apart = int(timestamp) - appended_at
    if abs(apart) > TOLERANCE_MS:
        raise RefusedError(
            Refusal.STALE_SIGNATURE,
            f"signed {abs(apart) / 1000:.0f} s {'after' if apart > 0 else 'before'} the record was appended, "
            f"{TOLERANCE_MS // 1000} s allowed",
        )


def _active(gateway: GatewayChanged) -> GatewayChanged:
    if gateway.lifecycle is not Lifecycle.ACTIVE:
        raise RefusedError(
            Refusal.GATEWAY_DISABLED, f"the gateway {gateway.slug!r} is switched off", gateway=gateway
        )
    return gateway


def _text(record: Record, name: str) -> str | None:
    found = header(record.headers, name)
    if found is None:
        return None
    try:
        return found.decode()
    except UnicodeDecodeError:
        return None

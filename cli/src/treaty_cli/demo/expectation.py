"""What must become of a raw record, told from the record, the seed and the public data alone.

Nothing here is the platform's: signatures are computed and messages are opened anew, so that a mistake in
the platform's own code does not find itself confirmed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from treaty_chassis.kafka.work import Record
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.seed import Seed, SeedDevice, SeedGateway
from treaty_cli.demo.vectors import ExpectedReading, Vectors

__all__ = ["Expectation", "Expectations", "Outcome"]

TOLERANCE_MS: Final = 300_000
SHARED: Final = "uplink.raw.v1"
Identity: TypeAlias = tuple[str, ...]


class Outcome(StrEnum):
    READINGS = "readings"
    DEAD_LETTER = "dead_letter"
    REFUSED = "refused"
    REPORTED = "reported"
    ANY = "any"
    """A record that is not the demo's: it must have a fate, whichever."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`identity` tells a repeated delivery of the same device; `sent_ms` is the envelope's own time."""

    outcome: Outcome
    reason: str | None = None
    device: SeedDevice | None = None
    gateway: SeedGateway | None = None
    identity: Identity | None = None
    payload: bytes = b""
    sent_ms: int | None = None
    plugin: str | None = None
    readings: tuple[ExpectedReading, ...] = ()


@dataclass(frozen=True, slots=True)
class _Opened:
    external_id: str
    payload: bytes
    sent_ms: int
    identity: Identity


class Expectations:
    """Of a seed's traffic. The corpora are those the seed names."""

    def __init__(self, seed: Seed, corpora: Mapping[str, Corpus]) -> None:
        self._seed = seed
        self._corpora = corpora
        self._devices = {device.external_id: device for device in seed.devices}
        self._by_topic = {g.topic: g for g in seed.gateways if g.topic is not None}
        self._by_slug = {g.slug: g for g in seed.gateways}
        plugins = {c.plugin for c in corpora.values() if c.plugin is not None}
        self._vectors = {plugin: Vectors(plugin) for plugin in plugins}

    def of(self, record: Record) -> Expectation:
        """Never raises: what cannot be told is ANY."""
        headers = {name: value or b"" for name, value in record.headers}
        gateway = self._by_topic.get(record.topic)
        if gateway is None and record.topic == SHARED:
            gateway = self._by_slug.get(headers.get("treaty-gateway", b"").decode("utf-8", "replace"))
        if gateway is None:
            return Expectation(Outcome.ANY)
        refused = self._judged(gateway, record, headers)
        if refused is not None:
            return Expectation(Outcome.REFUSED, refused, gateway=gateway)
        try:
            opened = OPEN[gateway.network](record.value or b"", headers)
        except (KeyError, ValueError, TypeError, AttributeError):
            return Expectation(Outcome.ANY, gateway=gateway)
        if opened is None:
            return Expectation(Outcome.REPORTED, gateway=gateway)
        device = self._devices.get(opened.external_id)
        if device is None:
            return Expectation(Outcome.REFUSED, "unknown_device", gateway=gateway)
        return self._decoded(gateway, device, opened)

    def _judged(self, gateway: SeedGateway, record: Record, headers: Mapping[str, bytes]) -> str | None:
        """Why the record's claim to be the gateway's does not hold, or None."""
        if gateway.topic is not None:
            return None
        named = headers.get("treaty-device", b"")
        secret = gateway.secret
        if gateway.authentication == "device_key":
            device = self._devices.get(named.decode("utf-8", "replace"))
            if device is None:
                # It has no key, and so proves nothing.
                return "bad_signature"
            secret = device.key
        timestamp = headers.get("treaty-timestamp", b"")
        signed = b"\n".join([gateway.slug.encode(), named, timestamp, record.value or b""])
        right = hmac.new((secret or "").encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"v1={right}".encode(), headers.get("treaty-signature", b"")):
            return "bad_signature"
        fresh = timestamp.isdigit() and abs(int(timestamp) - record.timestamp_ms) <= TOLERANCE_MS
        return None if fresh else "stale_signature"

    def _decoded(self, gateway: SeedGateway, device: SeedDevice, opened: _Opened) -> Expectation:
        known = Expectation(
            Outcome.ANY,
            device=device,
            gateway=gateway,
            identity=(device.id, *opened.identity),
            payload=opened.payload,
            sent_ms=opened.sent_ms,
        )
        corpus = self._corpora[device.corpus]
        if corpus.plugin is None:
            return known
        vectors = self._vectors[corpus.plugin]
        for case in corpus.cases:
            if case.payload == opened.payload:
                return _but(known, Outcome.READINGS, vectors.plugin, vectors.readings(corpus, case))
        if any(case.payload.startswith(opened.payload) for case in corpus.cases):
            return _but(known, Outcome.DEAD_LETTER, vectors.plugin, reason="decode_error")
        return known


def _but(
    known: Expectation,
    outcome: Outcome,
    plugin: str,
    readings: tuple[ExpectedReading, ...] = (),
    reason: str | None = None,
) -> Expectation:
    return Expectation(
        outcome,
        reason,
        known.device,
        known.gateway,
        known.identity,
        known.payload,
        known.sent_ms,
        plugin,
        readings,
    )


def _chirpstack(value: bytes, headers: Mapping[str, bytes]) -> _Opened | None:
    if headers.get("event", b"up") != b"up":
        return None
    body = json.loads(value)
    return _Opened(
        body["deviceInfo"]["devEui"].lower(),
        base64.b64decode(body["data"]),
        _ms(body["time"]),
        (body["deduplicationId"],),
    )


def _loriot(value: bytes, headers: Mapping[str, bytes]) -> _Opened | None:
    body = json.loads(value)
    if body["cmd"] not in ("rx", "gw"):
        return None
    identity = (str(body["fcnt"]), str(body["port"]), body["data"].lower())
    return _Opened(body["EUI"].lower(), bytes.fromhex(body["data"]), body["ts"], identity)


def _things_stack(value: bytes, headers: Mapping[str, bytes]) -> _Opened | None:
    body = json.loads(value)
    if "uplink_message" not in body:
        return None
    up = body["uplink_message"]
    return _Opened(
        body["end_device_ids"]["dev_eui"].lower(),
        base64.b64decode(up["frm_payload"]),
        _ms(up["received_at"]),
        (up["session_key_id"], str(up.get("f_cnt", 0))),
    )


def _native(value: bytes, headers: Mapping[str, bytes]) -> _Opened | None:
    return _Opened(
        headers["treaty-device"].decode(),
        value,
        int(headers["treaty-observed-at"]),
        # As for the worker, the payload stands in for a session: two senders may count alike.
        (headers["treaty-counter"].decode(), value.hex()),
    )


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


OPEN: Final[Mapping[str, Any]] = {
    "chirpstack": _chirpstack,
    "loriot": _loriot,
    "things_stack": _things_stack,
    "native": _native,
}

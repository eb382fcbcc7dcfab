"""From a refused record to the uplink that waits, purely.

A replayed uplink that is refused again comes back here: ingestion may hear of the device later than of the
replay. Each time it waits twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from treaty_chassis.kafka.work import Record
from treaty_events.deadletter import CONNECT, original_headers
from treaty_events.envelope import Envelope, EnvelopeError
from treaty_events.headers import (
    DETAIL,
    DEVICE,
    GATEWAY,
    ORIGINAL_HEADERS,
    REASON,
    RECEIVED_AT,
    REPLAYS,
    WORKSPACE,
    Headers,
    header,
)
from treaty_events.topics import REPLAY
from treaty_events.uplinks import PARKED

__all__ = ["RefusedUplink", "UnreadableError", "read"]

SOURCE: Final = "/treaty/device-registry"
TYPE: Final = "treaty.uplink.replayed.v1"
LONGEST_WAIT_S: Final = 300


class UnreadableError(ValueError):
    """The record is not one that ingestion writes; the message names the header."""


@dataclass(frozen=True, slots=True)
class RefusedUplink:
    """`gateway` is what ingestion proved, an id or a slug. `headers` are those of the replay. `seen_at` is
    when the broker had it first, ms since 1970-01-01 UTC; it is not replayed before `wait_s` from now."""

    workspace: UUID
    external_id: str
    gateway: str
    reason: str
    detail: str
    seen_at: int
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    wait_s: int


def read(record: Record) -> RefusedUplink | None:
    """None for a refusal that is final. Raises UnreadableError."""
    reason = _text(record.headers, REASON)
    if reason not in PARKED:
        return None
    try:
        envelope = Envelope.of(record.headers)
        before = original_headers(record.headers)
        workspace = UUID(_text(record.headers, WORKSPACE))
    except (EnvelopeError, ValueError) as error:
        raise UnreadableError(str(error)) from error
    received_at = _number(record.headers, RECEIVED_AT)
    gateway = _text(record.headers, GATEWAY)
    raw, replays = before, 0
    # Only where it stood on our own topic: a device may write any header it likes.
    if _text(record.headers, CONNECT + "topic") == REPLAY:
        try:
            raw, replays = original_headers(before), _number(before, REPLAYS)
        except ValueError as error:
            raise UnreadableError(str(error)) from error
    added = [
        (ORIGINAL_HEADERS, str(len(raw))),
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", SOURCE),
        ("ce_type", TYPE),
        (GATEWAY, gateway),
        (RECEIVED_AT, str(received_at)),
        (REPLAYS, str(replays + 1)),
    ]
    return RefusedUplink(
        workspace=workspace,
        external_id=_text(record.headers, DEVICE),
        gateway=gateway,
        reason=reason,
        detail=_text(record.headers, DETAIL),
        seen_at=received_at,
        value=record.value or b"",
        headers=(*raw, *((name, text.encode()) for name, text in added)),
        wait_s=min(2**replays, LONGEST_WAIT_S),
    )


def _text(headers: Headers, name: str) -> str:
    found = header(headers, name)
    if found is None:
        raise UnreadableError(f"header {name} is missing")
    text = found.decode("utf-8", "replace")
    if "\x00" in text:
        raise UnreadableError(f"header {name} has U+0000")
    return text


def _number(headers: Headers, name: str) -> int:
    text = _text(headers, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise UnreadableError(f"header {name}: expected a decimal number, got {text[:40]!r}")
    return int(text)

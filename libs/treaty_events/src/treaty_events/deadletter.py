"""Headers of what was refused or dead-lettered: the original's, then why, by whom and where it stood.

The error headers are those of Kafka Connect's dead letter queue, so that its tools read ours (source:
org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter, KIP-298). The original headers stand first
and unchanged, treaty-original-headers says how many they are; readers take the last of a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from treaty_events.envelope import Envelope
from treaty_events.headers import (
    CONTENT_TYPE,
    DETAIL,
    DEVICE,
    DIGEST,
    GATEWAY,
    ORIGINAL_HEADERS,
    PLUGIN,
    REASON,
    RECEIVED_AT,
    WORKSPACE,
    Headers,
    header,
)
from treaty_events.identity import EventId

__all__ = ["DEADLETTERED", "REFUSED", "Failure", "Origin", "original_headers", "reason_headers"]

REFUSED: Final = "treaty.uplink.refused.v1"
DEADLETTERED: Final = "treaty.uplink.deadlettered.v1"

CONNECT: Final = "__connect.errors."
MAX_TEXT: Final = 1000
"""Bytes of any one text added; the original's headers are bounded by the topic they came from."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the record stood that could not be handled."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why: a stable reason code, words for people, the stage ("decode"), the exception's class."""

    reason: str
    detail: str
    stage: str
    exception: str = ""


def reason_headers(
    original: Headers,
    *,
    type: str,
    source: str,
    id: EventId,
    origin: Origin,
    failure: Failure,
    gateway: str | None = None,
    workspace: str | None = None,
    device: str | None = None,
    received_at: int | None = None,
    plugin: str | None = None,
    digest: str | None = None,
) -> list[tuple[str, bytes | None]]:
    """All headers of the refused (type REFUSED) or dead-lettered (DEADLETTERED) record.

    `received_at` is the raw record's LogAppendTime in ms, which a replay of it keeps.
    """
    given = header(original, CONTENT_TYPE)
    content_type = "application/octet-stream" if given is None else given.decode("utf-8", "replace")
    found = list(original)
    found.append((ORIGINAL_HEADERS, str(len(original)).encode()))
    found += Envelope(str(id), source, type, _cut(content_type).decode()).headers()
    texts: list[tuple[str, str | None]] = [
        (REASON, failure.reason),
        (DETAIL, failure.detail),
        (GATEWAY, gateway),
        (WORKSPACE, workspace),
        (DEVICE, device),
        (RECEIVED_AT, None if received_at is None else str(received_at)),
        (PLUGIN, plugin),
        (DIGEST, digest),
        (CONNECT + "topic", origin.topic),
        (CONNECT + "partition", str(origin.partition)),
        (CONNECT + "offset", str(origin.offset)),
        (CONNECT + "stage", failure.stage),
        (CONNECT + "exception.class.name", failure.exception or failure.reason),
        (CONNECT + "exception.message", failure.detail),
    ]
    found += [(name, _cut(text)) for name, text in texts if text is not None]
    return found


def original_headers(headers: Headers) -> list[tuple[str, bytes | None]]:
    """What the record carried before it was refused or dead-lettered. Raises ValueError where it was not."""
    said = header(headers, ORIGINAL_HEADERS)
    if said is None or not said.isdigit() or int(said) > len(headers):
        raise ValueError(f"header {ORIGINAL_HEADERS}: expected the number of original headers, got {said!r}")
    return list(headers[: int(said)])


def _cut(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:MAX_TEXT].decode("utf-8", "ignore").encode()

"""What is told of each stage of an uplink's way. Pure: from records to plain data, secrets left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from treaty_chassis.kafka.work import Headers, Record
from treaty_cli.output import plain
from treaty_events import headers as names
from treaty_events.codec import BodyError, decode
from treaty_events.deadletter import original_headers
from treaty_events.headers import header
from treaty_events.instants import rfc3339
from treaty_events.readings import ReadingNormalized
from treaty_events.topics import RAW, spec_of
from treaty_events.uplinks import NetworkReported, UplinkAccepted

__all__ = [
    "Outcome",
    "Stage",
    "Trace",
    "accepted",
    "dead_letter",
    "preview",
    "raw",
    "reading",
    "refused",
    "replayed",
    "reported",
    "shown_headers",
    "stage",
]

PREVIEW: Final = 160
MAX_HEADERS: Final = 40
_SECRET: Final = ("signature", "authorization", "token", "secret", "password", "key", "cookie")


class Outcome(StrEnum):
    """Where the uplink is now."""

    READINGS = "readings"
    NO_READING = "no_reading"
    """The plugin took it and made nothing of it, which a plugin may."""
    DUPLICATE = "duplicate"
    DEAD_LETTER = "dead_letter"
    REFUSED = "refused"
    PARKED = "parked"
    REPORTED = "reported"
    """No uplink, but a network's own event: a join, an acknowledgement, a status."""
    WAITING = "waiting"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Stage:
    """`at` is the record's time in ms since 1970-01-01 UTC, None where there is no record; `facts` are plain
    data by name, in the order in which they are shown."""

    name: str
    at: int | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """`summary` is one sentence that says why the uplink is where it is."""

    uplink: str
    outcome: Outcome
    summary: str
    stages: tuple[Stage, ...]

    def as_dict(self) -> dict[str, Any]:
        """Times between stages in ms, to the millisecond that records have."""
        rows: list[dict[str, Any]] = []
        first: int | None = None
        before: int | None = None
        for one in self.stages:
            row: dict[str, Any] = {"stage": one.name}
            if one.at is not None:
                first = one.at if first is None else first
                since = None if before is None else one.at - before
                row |= {"at": rfc3339(one.at), "since_previous_ms": since, "since_raw_ms": one.at - first}
                before = one.at
            if one.topic is not None:
                row["record"] = {"topic": one.topic, "partition": one.partition, "offset": one.offset}
            rows.append(row | one.facts)
        total = None if first is None or before is None else before - first
        return {
            "uplink": self.uplink,
            "outcome": str(self.outcome),
            "summary": self.summary,
            "duration_ms": total,
            "stages": rows,
        }


def preview(value: bytes | None) -> str:
    """The beginning of a record's value: as text where it is text, else as hexadecimal digits."""
    if not value:
        return ""
    head = value[:PREVIEW]
    cut = "…" if len(value) > PREVIEW else ""
    try:
        text = head.decode("utf-8", "strict" if not cut else "ignore")
    except UnicodeDecodeError:
        return head[: PREVIEW // 2].hex() + ("…" if len(value) > PREVIEW // 2 else "")
    printable = sum(c.isprintable() or c in "\r\n\t" for c in text)
    if printable < len(text) or len(text.encode()) < len(head) - 3:
        return head[: PREVIEW // 2].hex() + ("…" if len(value) > PREVIEW // 2 else "")
    return plain(text) + cut


def shown_headers(headers: Headers) -> dict[str, str]:
    """The last of each name; what proves or opens anything is left out, its length told."""
    found = {}
    for name, value in headers[:MAX_HEADERS]:
        if any(word in name.lower() for word in _SECRET):
            found[plain(name)] = f"left out ({len(value or b'')} bytes)"
        else:
            found[plain(name)] = preview(value)
    return found


def stage(name: str, record: Record, **facts: Any) -> Stage:
    """Of a record; facts that are None are left out."""
    told = {key: plain(value) if isinstance(value, str) else value for key, value in facts.items()}
    kept = {key: value for key, value in told.items() if value is not None}
    return Stage(name, record.timestamp_ms, record.topic, record.partition, record.offset, kept)


def raw(record: Record) -> Stage:
    spec = spec_of(record.topic)
    own = record.topic != RAW and (spec is not None and spec.parameter == "gateway")
    return stage(
        "raw",
        record,
        gateway=record.topic.split(".")[2] if own else _text(record.headers, names.GATEWAY),
        signed=header(record.headers, names.SIGNATURE) is not None,
        bytes=len(record.value or b""),
        preview=preview(record.value),
        key=None if record.key is None else preview(record.key),
        headers=shown_headers(record.headers),
    )


def refused(record: Record) -> Stage:
    return stage(
        "refused",
        record,
        reason=_text(record.headers, names.REASON),
        detail=_text(record.headers, names.DETAIL),
        gateway=_text(record.headers, names.GATEWAY) if _proven(record.headers) else None,
        workspace=_text(record.headers, names.WORKSPACE) if _proven(record.headers) else None,
        device=_text(record.headers, names.DEVICE),
    )


def replayed(record: Record) -> Stage:
    return stage("replayed", record, times=int(_text(record.headers, names.REPLAYS) or 0))


def reported(record: Record) -> Stage:
    try:
        body = decode(NetworkReported, record.value or b"")
    except BodyError as error:
        return stage("reported", record, unreadable=str(error))
    return stage("reported", record, kind=body.kind, network=body.network, device=body.device)


def accepted(record: Record, proof: str) -> Stage:
    spec = spec_of(record.topic)
    plugin = record.topic.split(".")[2] if spec is not None else None
    try:
        body = decode(UplinkAccepted, record.value or b"")
    except BodyError as error:
        return stage("accepted", record, plugin=plugin, unreadable=str(error))
    return stage(
        "accepted",
        record,
        plugin=plugin,
        authenticated=proof,
        gateway=body.gateway,
        device=body.device,
        external_id=body.external_id,
        model=body.model,
        workspace=body.workspace,
        network=body.network,
        payload=body.payload[:PREVIEW].hex() + ("…" if len(body.payload) > PREVIEW else ""),
        f_port=body.f_port,
        counter=body.counter,
        dedup_id=body.dedup_id,
    )


def dead_letter(record: Record) -> Stage:
    return stage(
        "dead_letter",
        record,
        reason=_text(record.headers, names.REASON),
        detail=_text(record.headers, names.DETAIL),
        plugin=_text(record.headers, names.PLUGIN),
        digest=_text(record.headers, names.DIGEST),
    )


def reading(record: Record) -> Stage:
    try:
        body = decode(ReadingNormalized, record.value or b"")
    except BodyError as error:
        return stage("reading", record, unreadable=str(error))
    position = body.position
    return stage(
        "reading",
        record,
        id=_text(record.headers, "ce_id"),
        observed_at=body.observed_at,
        measurements=[
            {"name": m.name, "value": m.value, "unit": m.unit, "quality": str(m.quality)}
            for m in body.measurements
        ],
        properties=body.properties or None,
        position=None if position is None else [position.latitude, position.longitude],
        plugin=body.provenance.plugin,
        version=body.provenance.version,
        digest=body.provenance.digest,
    )


def _proven(headers: Headers) -> bool:
    """Whether the refusal names a gateway that was proven, and does not merely repeat what was claimed."""
    try:
        added = headers[len(original_headers(headers)) :]
    except ValueError:
        return False
    return header(added, names.GATEWAY) is not None


def _text(headers: Headers, name: str) -> str | None:
    found = header(headers, name)
    return None if found is None else found.decode("utf-8", "replace")

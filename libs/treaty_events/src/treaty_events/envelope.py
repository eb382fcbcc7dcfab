"""CloudEvents 1.0 over Kafka, binary content mode.

Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2 (attributes as `ce_` headers, the data
as the record's value, `content-type` for datacontenttype).
"""

from __future__ import annotations

from dataclasses import dataclass

from treaty_events.headers import Headers, header

__all__ = ["Envelope", "EnvelopeError"]

JSON = "application/json"


class EnvelopeError(ValueError):
    """A record does not carry the required CloudEvents attributes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The required attributes, the content type and the trace context when sampled."""

    id: str
    source: str
    type: str
    content_type: str = JSON
    traceparent: str | None = None

    def headers(self) -> list[tuple[str, bytes | None]]:
        """As Kafka headers, required attributes first."""
        found: list[tuple[str, bytes | None]] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("content-type", self.content_type.encode()),
        ]
        if self.traceparent is not None:
            found.append(("traceparent", self.traceparent.encode()))
        return found

    @classmethod
    def of(cls, headers: Headers) -> Envelope:
        """Raises EnvelopeError naming the first attribute that is missing or of another version."""
        found = {key: value.decode("utf-8", "replace") for key, value in headers if value is not None}
        for name in ("ce_specversion", "ce_id", "ce_source", "ce_type"):
            if name not in found:
                raise EnvelopeError(f"header {name} is missing")
        if found["ce_specversion"] != "1.0":
            raise EnvelopeError(f"ce_specversion: expected 1.0, got {found['ce_specversion'][:20]!r}")
        traceparent = header(headers, "traceparent")
        return cls(
            found["ce_id"],
            found["ce_source"],
            found["ce_type"],
            found.get("content-type", JSON),
            None if traceparent is None else traceparent.decode("ascii", "replace"),
        )

"""The identity an uplink keeps for life: where its original bytes stand in the raw log."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["EventId"]


@dataclass(frozen=True, slots=True, order=True)
class EventId:
    """Raw topic's UUID, partition, offset, and the index of this event among those of the record.

    The text form, `<uuid>:<partition>:<offset>:<index>`, is the CloudEvents id (`ce_id`). An accepted,
    refused or dead-lettered uplink has index 0; the readings of one uplink are numbered from 0 in the
    order the plugin returned them. Retries, redeliveries and replays keep it.
    """

    topic: UUID
    partition: int
    offset: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> EventId:
        """Raises ValueError with what was expected when the text has another form."""
        parts = text.split(":")
        if len(parts) != 4 or not all(p.isascii() and p.isdigit() for p in parts[1:]):
            raise ValueError(f"expected <topic uuid>:<partition>:<offset>:<index>, got {text[:80]!r}")
        return cls(UUID(parts[0]), int(parts[1]), int(parts[2]), int(parts[3]))

    def at(self, index: int) -> EventId:
        """The same record's event with another index."""
        return EventId(self.topic, self.partition, self.offset, index)

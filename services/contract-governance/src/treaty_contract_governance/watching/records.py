"""Records of control topics, read into their types; what cannot be read is told apart, never raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from treaty_events.codec import BodyError, decode

__all__ = ["Batch", "Change", "Rejected", "UnreadableError", "read"]

T = TypeVar("T")


class Record(Protocol):
    """The part of aiokafka's ConsumerRecord that is read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class UnreadableError(ValueError):
    """A record is not what its topic promises."""


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One record; `value` is None for a tombstone."""

    key: str
    value: T | None
    offset: int


@dataclass(frozen=True, slots=True)
class Rejected:
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Records in the order of their partitions."""

    changes: list[Change[T]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read(kind: type[T], records: Iterable[Record]) -> Batch[T]:
    """Each record as a change, or rejected with the reason. PostgreSQL's text holds no NUL: nor may these."""
    batch: Batch[T] = Batch()
    for record in records:
        try:
            batch.changes.append(_change(kind, record))
        except ValueError as error:
            batch.rejected.append(Rejected(record, str(error)[:1000]))
    return batch


def _change(kind: type[T], record: Record) -> Change[T]:
    if not record.key:
        raise UnreadableError("the record has no key")
    if b"\x00" in record.key or (record.value is not None and b"\\u0000" in record.value):
        raise UnreadableError("the record holds a NUL character")
    try:
        value = None if record.value is None else decode(kind, record.value)
        return Change(record.key.decode("utf-8"), value, record.offset)
    except UnicodeDecodeError as error:
        raise UnreadableError("the key is not UTF-8") from error
    except BodyError as error:
        raise UnreadableError(f"the value is no {kind.__name__}: {error}") from error

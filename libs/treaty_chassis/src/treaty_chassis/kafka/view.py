"""A compacted topic as a mapping of its keys' latest values. What reads it is `follower.Follower`.

things = CompactedView("thing.changed.v1", decode=..., version_header="version")
follower = Follower(bootstrap_servers, "billing-0", [things]).start()
...readiness: follower.check()        ...things.get(key)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from treaty_chassis.kafka.work import Record
from treaty_chassis.telemetry import METRICS

__all__ = ["Changed", "CompactedView", "ViewMeasures", "ViewOverflowError"]

log = structlog.get_logger(__name__)
V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)
_DELETED_REMEMBERED = 10_000


class ViewOverflowError(RuntimeError):
    """The topic has more keys than the view may hold."""


class Changed(Protocol[V_contra]):
    def __call__(self, key: str, before: V_contra | None, after: V_contra | None, /) -> None: ...


class ViewMeasures:
    """One a process; labels are topics."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self.records = Counter(
            "treaty_view_records", "Records read into views.", ["topic"], registry=registry
        )
        self.stale = Counter(
            "treaty_view_stale_records", "Ignored: older than what is held.", ["topic"], registry=registry
        )
        self.undecodable = Counter(
            "treaty_view_undecodable_records", "Their keys count as absent.", ["topic"], registry=registry
        )
        self.entries = Gauge("treaty_view_entries", "Keys held.", ["topic"], registry=registry)


class CompactedView(Generic[V]):
    """Keys (UTF-8) and their values, decoded.

    Where records carry a version (`version_header`, a decimal header of values and tombstones), one that
    is not newer than what is held is ignored. A value that `decode` refuses (ValueError) makes its key
    absent: what cannot be read is not trusted to be what it was. One thread applies, any thread reads.
    """

    def __init__(
        self,
        topic: str,
        decode: Callable[[bytes], V],
        *,
        version_header: str | None = None,
        on_change: Changed[V] | None = None,
        max_entries: int = 1_000_000,
        measures: ViewMeasures | None = None,
    ) -> None:
        self.topic = topic
        self._decode = decode
        self._version_header = version_header
        self._on_change = on_change
        self._max_entries = max_entries
        self._measures = measures
        self._values: dict[str, V] = {}
        self._versions: dict[str, int] = {}
        self._deleted: OrderedDict[str, int] = OrderedDict()

    def get(self, key: str) -> V | None:
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def items(self) -> Iterator[tuple[str, V]]:
        """Of one moment."""
        return iter(list(self._values.items()))

    def values(self) -> list[V]:
        """Of one moment."""
        return list(self._values.values())

    def apply(self, record: Record) -> None:
        """The key's new value, or its end. Raises ViewOverflowError."""
        if record.key is None:
            log.error("record without a key in a compacted topic", topic=self.topic, offset=record.offset)
            return
        key = record.key.decode("utf-8", "replace")
        version = self._version(record)
        held = self._versions.get(key, self._deleted.get(key))
        if version is not None and held is not None and version <= held:
            self._count("stale")
            return
        before = self._values.get(key)
        after = self._read(key, record)
        if after is None:
            self._values.pop(key, None)
            self._versions.pop(key, None)
            if version is not None:
                self._deleted[key] = version
                while len(self._deleted) > _DELETED_REMEMBERED:
                    self._deleted.popitem(last=False)
        else:
            if before is None and len(self._values) >= self._max_entries:
                raise ViewOverflowError(f"{self.topic} has more than {self._max_entries} keys")
            self._values[key] = after
            self._deleted.pop(key, None)
            if version is not None:
                self._versions[key] = version
        self._count("records")
        if self._on_change is not None and not (before is None and after is None):
            self._on_change(key, before, after)

    def _read(self, key: str, record: Record) -> V | None:
        if record.value is None:
            return None
        try:
            return self._decode(record.value)
        except ValueError as error:
            log.error(
                "undecodable record", topic=self.topic, key=key, offset=record.offset, detail=str(error)
            )
            self._count("undecodable")
            return None

    def _version(self, record: Record) -> int | None:
        if self._version_header is None:
            return None
        for name, value in record.headers:
            if name == self._version_header and value is not None and value.isdigit():
                return int(value)
        return None

    def _count(self, what: str) -> None:
        if self._measures is not None:
            getattr(self._measures, what).labels(self.topic).inc()
            self._measures.entries.labels(self.topic).set(len(self._values))

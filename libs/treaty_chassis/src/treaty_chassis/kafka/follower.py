"""Reads compacted topics into their views, to the end and then on, in a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from treaty_chassis.kafka import config
from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.view import CompactedView
from treaty_chassis.kafka.work import Partition

__all__ = ["Follower"]

log = structlog.get_logger(__name__)
_LOOK_S: Final = 0.5
_GROWTH_S: Final = 30.0
_POLL_S: Final = 0.2
_BATCH: Final = 1000


class Follower:
    """One consumer for several views. The end is the broker's word (an EOF event a partition), not a count
    of records: compaction and transaction markers leave gaps that no count would see through."""

    def __init__(
        self,
        bootstrap_servers: str,
        name: str,
        views: Sequence[CompactedView[Any]],
        *,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        self._views: Mapping[str, CompactedView[Any]] = {view.topic: view for view in views}
        self._on_failure = on_failure
        self._consumer = Consumer(
            config.reader(bootstrap_servers, f"{name}-views")
            | {"fetch.wait.max.ms": 100, "logger": logging.getLogger("librdkafka")}
        )
        self._assigned: set[Partition] = set()
        self._ended: set[Partition] = set()
        self._missing = set(self._views)
        self._failed: str | None = None
        self._closing = threading.Event()
        self._complete = threading.Event()
        self._thread = threading.Thread(target=self._run, name="views", daemon=True)

    def start(self) -> Follower:
        self._thread.start()
        return self

    def wait(self, timeout_s: float) -> bool:
        """Whether every view has been read to its end within the bound."""
        return self._complete.wait(timeout_s)

    def check(self) -> str | None:
        """For readiness: None once every view has been read to its end, as long as they are followed."""
        if self._failed is not None:
            return self._failed
        if self._complete.is_set():
            return None
        if self._missing:
            return f"no such topic yet: {', '.join(sorted(self._missing))}"
        behind = sorted({p.topic for p in self._assigned - self._ended})
        return f"not read to the end yet: {', '.join(behind)}"

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        look_at = 0.0
        try:
            while not self._closing.is_set():
                if time.monotonic() >= look_at:
                    self._look()
                    look_at = time.monotonic() + (_LOOK_S if self._missing else _GROWTH_S)
                first = self._consumer.poll(_POLL_S)
                if first is None:
                    continue
                for message in (first, *self._consumer.consume(_BATCH, 0)):
                    error = message.error()
                    if error is not None:
                        self._met(error, message.topic(), message.partition())
                    else:
                        record = record_of(message)
                        self._views[record.topic].apply(record)
        except Exception as error:
            # The thread ends: readiness tells it, and whoever was asked to be told.
            self._failed = f"views are not followed any more: {error}"
            log.exception("views failed")
            if self._on_failure is not None:
                self._on_failure(self._failed)
        finally:
            self._consumer.close()

    def _look(self) -> None:
        """Assigns partitions that have appeared."""
        try:
            known = self._consumer.list_topics(timeout=5.0).topics
        except KafkaException as error:
            log.warning("kafka", detail=str(error))
            return
        appeared = []
        for name in self._views:
            topic = known.get(name)
            if topic is None or topic.error is not None or not topic.partitions:
                continue
            self._missing.discard(name)
            appeared += [p for p in (Partition(name, n) for n in topic.partitions) if p not in self._assigned]
        if appeared:
            self._assigned.update(appeared)
            self._consumer.incremental_assign([TopicPartition(*p, OFFSET_BEGINNING) for p in appeared])

    def _met(self, error: KafkaError, topic: str | None, number: int | None) -> None:
        if topic is None or number is None:
            log.warning("kafka", code=error.name(), detail=error.str())
        elif error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(Partition(topic, number))
            if not self._missing and self._ended >= self._assigned:
                self._complete.set()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            # The topic was cut or made again: its records are read anew, versions decide what is newer.
            log.warning("view starts again", topic=topic, detail=error.str())
            place = TopicPartition(topic, number, OFFSET_BEGINNING)
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
        else:
            log.warning("kafka", code=error.name(), detail=error.str(), topic=topic, partition=number)

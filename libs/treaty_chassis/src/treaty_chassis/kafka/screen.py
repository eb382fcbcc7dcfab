"""What of a finished record may be produced: judged before any transaction sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog

from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.sizes import output_bytes, truncated
from treaty_chassis.kafka.suspicion import Suspicion
from treaty_chassis.kafka.work import Finished, Record, Work

__all__ = ["Screen"]

log = structlog.get_logger(__name__)


class Screen:
    """Lets finished records pass, with their outputs' bytes, or gives one a dead letter in their place: where
    an output exceeds its topic's limit, and where the record has been condemned."""

    def __init__(
        self, work: Work, limit: Callable[[str], int], suspicion: Suspicion, measures: Measures
    ) -> None:
        self._work = work
        self._limit = limit
        self._limits: dict[str, int] = {}
        self._suspicion = suspicion
        self._measures = measures

    def __call__(self, finished: Iterable[Finished]) -> Iterator[tuple[Finished, int]]:
        limits, suspects = self._limits, self._suspicion.any
        for item in finished:
            if suspects:
                record = item.record
                why = self._suspicion.condemned(record.topic, record.partition, record.offset)
                if why is not None:
                    yield self._dead_letter(record, "output_rejected", why)
                    continue
            total = 0
            for output in item.outputs:
                size = output_bytes(output)
                topic = output.topic
                if size > (limits.get(topic) or self._limit_of(topic)):
                    detail = f"{size} bytes for {topic}, which takes {limits[topic]}"
                    yield self._dead_letter(item.record, "output_too_large", detail)
                    break
                total += size
            else:
                yield item, total

    def _dead_letter(self, record: Record, reason: str, detail: str) -> tuple[Finished, int]:
        log.error(
            "record dead-lettered",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
            detail=detail,
        )
        self._measures.dead_letters.labels(reason).inc()
        whole = self._work.dead_letter(record, reason, detail)
        output = truncated(whole, self._limit_of(whole.topic))
        return Finished(record, (output,)), output_bytes(output)

    def _limit_of(self, topic: str) -> int:
        limit = self._limits[topic] = self._limit(topic)
        return limit

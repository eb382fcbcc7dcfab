"""What of a finished record may be produced: judged before any transaction sees it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.sizes import output_bytes, truncated
from treaty_chassis.kafka.suspicion import Suspicion
from treaty_chassis.kafka.work import Finished, Record, Work

__all__ = ["Screen"]

log = structlog.get_logger(__name__)


class Screen:
    """Lets a finished record pass, with its outputs' bytes, or gives it a dead letter in their place: where
    an output exceeds its topic's limit, and where the record has been condemned."""

    def __init__(
        self, work: Work, limit: Callable[[str], int], suspicion: Suspicion, measures: Measures
    ) -> None:
        self._work = work
        self._limit = limit
        self._limits: dict[str, int] = {}
        self._suspicion = suspicion
        self._measures = measures

    def __call__(self, finished: Finished) -> tuple[Finished, int]:
        record = finished.record
        why = self._suspicion.condemned(record.topic, record.partition, record.offset)
        if why is not None:
            return self._dead_letter(record, "output_rejected", why)
        total = 0
        for output in finished.outputs:
            size = output_bytes(output)
            limit = self._limits.get(output.topic) or self._limit_of(output.topic)
            if size > limit:
                detail = f"{size} bytes for {output.topic}, which takes {limit}"
                return self._dead_letter(record, "output_too_large", detail)
            total += size
        return finished, total

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

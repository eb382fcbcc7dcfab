"""Whether the cluster can be reached, and its errors told without telling them by the hundred."""

from __future__ import annotations

import time
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException

__all__ = ["Connection", "is_broken"]

log = structlog.get_logger(__name__)
_LOOK_S: Final = 1.0
_QUIET_S: Final = 5.0
_BROKEN: Final = frozenset({KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._ALL_BROKERS_DOWN})


def is_broken(error: KafkaError) -> bool:
    """Whether it tells of a broker that cannot be reached."""
    return error.code() in _BROKEN


class Connection:
    """Told of errors, asked in every turn."""

    def __init__(self) -> None:
        self._doubt: str | None = None
        self._look_at = 0.0
        self._told: dict[tuple[str, str | None], float] = {}
        self.trouble: str | None = None
        """Why nothing can be reached, None while something can."""

    def error(self, error: KafkaError, topic: str | None = None) -> None:
        """One line of a kind in five seconds: errors repeat while their cause lasts."""
        if is_broken(error):
            self._doubt = error.str()
        now = time.monotonic()
        if now - self._told.get((error.name(), topic), -_QUIET_S) >= _QUIET_S:
            self._told[(error.name(), topic)] = now
            log.warning("kafka", code=error.name(), detail=error.str(), topic=topic)

    def look(self, consumer: Consumer) -> None:
        """A connection that failed may have been one of several: whether any broker answers is only told by
        asking. Takes a second at most, every few seconds, while none does."""
        now = time.monotonic()
        if self._doubt is None or now < self._look_at:
            return
        try:
            consumer.list_topics(timeout=_LOOK_S)
            self._doubt = self.trouble = None
        except KafkaException:
            self.trouble = f"no broker answers: {self._doubt}"
            self._look_at = now + 2 * _LOOK_S

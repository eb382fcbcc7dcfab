"""Which of Kafka's answers are about a record or its topic, and not about the broker.

Everything else, that the broker is away or slow above all, says nothing of a record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

__all__ = ["Topics", "own", "words"]

_OF_TOPIC: Final = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic",
    KafkaError._UNKNOWN_PARTITION: "there is no such topic",
    KafkaError.TOPIC_EXCEPTION: "no topic can have that name",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this service may not write to the topic",
}
_OF_RECORD: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE: "the record is larger than its topic takes",
    KafkaError.RECORD_LIST_TOO_LARGE: "the record is larger than a segment of its topic",
    KafkaError.INVALID_RECORD: "the broker finds the record invalid, as without a key in a compacted topic",
    KafkaError.INVALID_TIMESTAMP: "the topic takes no record of that time",
    KafkaError.POLICY_VIOLATION: "a policy of the broker is against the record",
}
_LOOKED_UP_S: Final = 5.0
_MOST: Final = 10_000


def words(error: KafkaError) -> str:
    """What the error says of a record, and Kafka's own name for it."""
    meant = _OF_TOPIC.get(error.code()) or _OF_RECORD.get(error.code()) or error.str()
    return f"{meant} ({error.name()})"


def own(error: KafkaError) -> bool:
    """Whether a record's error is its own, or its topic's."""
    return error.code() in _OF_TOPIC or error.code() in _OF_RECORD


class Topics:
    """Looks topics up before anything is produced to them: librdkafka would keep what goes to one that is not
    there until the transaction times out, and everything else of the batch with it."""

    def __init__(self) -> None:
        self._there: dict[str, float] = {}

    def missing(self, producer: Producer, names: Iterable[str], timeout_s: float) -> dict[str, str]:
        """Those that take nothing, with why. Raises KafkaException where the broker does not answer."""
        found: dict[str, str] = {}
        now = time.monotonic()
        for name in sorted(set(names)):
            if now - self._there.get(name, -_LOOKED_UP_S) < _LOOKED_UP_S:
                continue
            try:
                error = producer.list_topics(name, timeout_s).topics[name].error
            except KafkaException as raised:
                error = raised.args[0]
                if error.code() not in _OF_TOPIC:
                    raise
            if error is not None and error.code() in _OF_TOPIC:
                found[name] = words(error)
                continue
            if len(self._there) >= _MOST:
                self._there.clear()
            self._there[name] = now
        return found

    def forget(self) -> None:
        """After anything went wrong: it may have been a topic that is gone."""
        self._there.clear()

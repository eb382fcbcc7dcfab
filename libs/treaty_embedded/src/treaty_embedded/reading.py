"""What stands in a topic now."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from treaty_embedded.errors import EmbeddedError

__all__ = ["read_to_end"]

_POLL_S: Final = 1.0


def read_to_end(
    bootstrap_servers: str,
    topic: str,
    begin: Mapping[int, int] | None = None,
    *,
    isolation: str = "read_committed",
    timeout_s: float = 180,
) -> list[Message]:
    """Every partition's messages, each partition's in order, from its offset in `begin` or from its first
    to where it ends when this is called.

    Raises EmbeddedError where the ends are not reached in time, KafkaException where the topic is not there.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": f"reader-{uuid.uuid4()}",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    found: list[Message] = []
    end = time.monotonic() + timeout_s
    try:
        known = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        left = set(known.partitions)
        starts = begin or {}
        # Where records keep coming no fetch is empty, and librdkafka tells of no end.
        ends = {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=timeout_s)[1]
            for number in left
        }
        consumer.assign([TopicPartition(topic, number, starts.get(number, 0)) for number in left])
        while left:
            if time.monotonic() > end:
                raise EmbeddedError(f"{topic} was not read to its end within {timeout_s:.0f} s")
            message = consumer.poll(_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                number, offset = message.partition() or 0, message.offset() or 0
                if offset < ends[number]:
                    found.append(message)
                if offset + 1 >= ends[number]:
                    left.discard(number)
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            elif error.fatal():
                raise KafkaException(error)
    finally:
        consumer.close()
    return found

"""Hands outputs to a producer, each to its partition."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, Producer

from treaty_chassis.kafka import failures
from treaty_chassis.kafka.partitioning import Partitioner, UnknownTopicError, partition_of
from treaty_chassis.kafka.port import AbortedError
from treaty_chassis.kafka.work import Output

__all__ = ["send"]


def send(producer: Producer, partitioner: Partitioner, outputs: list[Output]) -> None:
    """Queues them all, and leaves the list empty. Raises AbortedError where one cannot be: by record, or
    because the queue is full."""
    partitioner.refresh()
    # By place: topic, value, key, partition, callback, on_delivery, timestamp, headers. Named arguments would
    # be a fifth of the call.
    put = producer.produce
    last, partitions = "", 0
    try:
        # The producer has copies: each is let go of as it is passed on, when its memory has just been read.
        outputs.reverse()
        while outputs:
            output = outputs.pop()
            topic, key, partition, headers = output.topic, output.key, output.partition, output.headers
            if partition is None:
                if topic != last:
                    last, partitions = topic, partitioner.count(topic)
                if partitions == 1:
                    partition = 0
                else:
                    partition = len(outputs) % partitions if key is None else partition_of(key, partitions)
            if not headers:
                put(topic, output.value, key, partition)
                continue
            if type(headers) is not list:
                headers = list(headers)
            put(topic, output.value, key, partition, None, None, 0, headers)  # type: ignore[arg-type]
    except UnknownTopicError as error:
        raise AbortedError(str(error), by_record=True) from error
    except BufferError as error:
        raise AbortedError(f"the producer's queue is full: {error}") from error
    except KafkaException as raised:
        cause: KafkaError = raised.args[0]
        if failures.is_fatal(cause):
            raise failures.fatal(cause) from raised
        raise AbortedError(str(cause), by_record=failures.is_by_record(cause)) from raised

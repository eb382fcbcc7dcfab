"""The floor: consume, produce as it is, commit in the transaction; with the runner's client settings."""

from __future__ import annotations

import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from cost import Marks

from treaty_chassis.kafka import config

_TRANSACTION = 4000


def main() -> None:
    servers, topic, out, group, first, last = sys.argv[1:]
    marks = Marks(int(first), int(last))
    consumer = Consumer(config.consumer(servers, group, "0"))
    producer = Producer(config.producer(servers, group, "0"))
    producer.init_transactions(30)
    partitions = len(producer.list_topics(out, timeout=10).topics[out].partitions)
    consumer.assign([TopicPartition(topic, 0, 0)])
    while True:
        wanted = marks.room(_TRANSACTION)
        messages = consumer.consume(wanted, 0.02)
        if not messages:
            continue
        marks.fed += len(messages)
        producer.begin_transaction()
        for number, message in enumerate(messages):
            producer.produce(
                out, message.value(), message.key(), number % partitions, headers=message.headers()
            )
        places = [TopicPartition(topic, 0, messages[-1].offset() + 1)]
        producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata(), 30)
        producer.commit_transaction(30)
        if marks.done(len(messages)):
            break
    consumer.close()


if __name__ == "__main__":
    main()

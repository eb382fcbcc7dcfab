"""Topics that were just made."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from treaty_embedded.errors import EmbeddedError
from treaty_embedded.process import wait_until

__all__ = ["settle"]

_ANSWER_S = 30.0


def settle(bootstrap_servers: str, topics: Collection[str], timeout_s: float = 180) -> None:
    """Returns once every partition of these topics answers: a broker names a topic a moment before it leads
    it, and refuses until then what is asked of it. Raises EmbeddedError past the bound."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    why: list[str] = []

    def answers() -> bool:
        try:
            known = admin.list_topics(timeout=_ANSWER_S).topics
            if missing := set(topics) - {name for name, topic in known.items() if topic.error is None}:
                why.append(f"missing: {', '.join(sorted(missing))}")
                return False
            places = [TopicPartition(name, number) for name in topics for number in known[name].partitions]
            end: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            asked = admin.list_offsets(dict.fromkeys(places, end))
            for told in asked.values():
                told.result(_ANSWER_S)
        except KafkaException as error:
            why.append(str(error))
            return False
        return True

    if topics and not wait_until(answers, timeout_s):
        raise EmbeddedError(f"the topics did not settle within {timeout_s:.0f} s: {why[-1]}")

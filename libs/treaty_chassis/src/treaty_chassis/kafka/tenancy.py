"""Whether a process still has its slot.

The broker tells a producer the same whether its transaction was open for too long or another process has
taken its transactional id: its epoch is over. Whose the slot is, is told by the group: whoever takes a slot
joins with its instance id, and is then the member that has it.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from treaty_chassis.kafka.port import TimedOutError
from treaty_chassis.kafka.security import reach

__all__ = ["Tenancy"]

_CALL_S: Final = 5.0
_MOMENT_S: Final = 0.5


class Tenancy:
    def __init__(self, bootstrap_servers: str, group: str, instance: str, consumer: Consumer) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._instance = instance
        self._consumer = consumer

    def usurper(self) -> str | None:
        """The member that has this slot where that is another than this process. None too where nobody has
        it, or this process has not joined. Raises TimedOutError."""
        own = self._consumer.memberid()
        if not own:
            return None
        settings = reach(self._bootstrap_servers) | {"logger": logging.getLogger("librdkafka")}
        admin = AdminClient(settings)  # to be kept until it has answered
        try:
            described = admin.describe_consumer_groups([self._group], request_timeout=_CALL_S)
            members = described[self._group].result(2 * _CALL_S).members
        except (KafkaException, TimeoutError) as error:
            time.sleep(_MOMENT_S)
            raise TimedOutError(f"the group does not say who has the slot: {error}") from error
        holders = [m.member_id for m in members if m.group_instance_id == self._instance]
        return next((member for member in holders if member != own), None)

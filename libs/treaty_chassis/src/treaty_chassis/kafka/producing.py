"""The producer's half of a client: one transactional id, one transaction at a time.

A producer that hangs, or whose epoch the coordinator has ended, is replaced in the same process: the new one
takes the transactional id over, which ends what the old one left open and refuses whatever that may still
send. What became of the transaction is then read from the broker, as after every abort.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, TopicPartition

from treaty_chassis.kafka import failures
from treaty_chassis.kafka.caller import HangError
from treaty_chassis.kafka.instance import Instance
from treaty_chassis.kafka.port import AbortedError, FatalError, FencedError, TimedOutError
from treaty_chassis.kafka.tenancy import Tenancy
from treaty_chassis.kafka.transaction import persist
from treaty_chassis.kafka.work import Output, Partition

__all__ = ["TransactionalProducer"]

log = structlog.get_logger(__name__)
_OPEN_S: Final = 10.0
_CALL_S: Final = 5.0
# Each that hangs keeps its memory and its connections until the process ends.
_LEFT_AT_MOST: Final = 5


class TransactionalProducer:
    """As port.Client's methods of the same names; `settings` are librdkafka's."""

    def __init__(
        self, settings: Mapping[str, Any], tenancy: Tenancy, on_error: Callable[[KafkaError], None]
    ) -> None:
        self._settings = settings
        self._tenancy = tenancy
        self._on_error = on_error
        self._instance = Instance(settings, on_error)
        self._left: list[Instance] = []

    def open(self) -> None:
        try:
            with self._lasting(), failures.outside_transaction():
                self._instance.open(_OPEN_S)
        except AbortedError as error:
            # Nothing to abort: the new one is to be opened.
            raise TimedOutError(str(error)) from error

    def poll(self) -> None:
        """Serves callbacks."""
        self._instance.poll()

    def begin(self) -> None:
        with self._lasting(), failures.outside_transaction():
            self._instance.begin()

    def produce(self, outputs: list[Output]) -> None:
        with self._lasting():
            self._instance.produce(outputs)

    def send_offsets(self, offsets: Mapping[Partition, int], group: Any) -> None:
        """`group` is the consumer's metadata of now."""
        places = [TopicPartition(p.topic, p.number, offset) for p, offset in offsets.items()]
        with self._lasting(), failures.inside_transaction(self._rejected):
            self._instance.send_offsets(places, group, _CALL_S)

    def commit(self) -> None:
        with self._lasting(), failures.inside_transaction(self._rejected):
            self._instance.commit(_CALL_S)

    def abort(self) -> None:
        if self._instance.opened:
            try:
                with self._lasting(), failures.outside_transaction():
                    self._instance.abort(_CALL_S)
            except AbortedError:
                pass
            else:
                return
        # Taking over ends what the one before left open.
        self.open()

    def flush(self) -> None:
        """Until every record of the open transaction is at the broker, or refused by it."""
        self._instance.flush(_CALL_S)

    def _rejected(self) -> KafkaError | None:
        return self._instance.rejected

    @contextmanager
    def _lasting(self) -> Iterator[None]:
        """Replaces the producer where it can do nothing any more, and raises AbortedError then. Raises
        FencedError where that is because another process has the slot."""
        try:
            yield
        except HangError as error:
            self._replace(str(error))
            raise AbortedError(f"the producer was replaced: {error}") from error
        except failures.EpochError as error:
            usurper = persist(self._tenancy.usurper, "asking who has the slot")
            if usurper is not None:
                raise FencedError(f"{usurper} has the slot: {error}") from error
            self._replace(str(error))
            raise AbortedError(f"the producer was replaced: {error}") from error

    def _replace(self, why: str) -> None:
        self._left = [instance for instance in self._left if instance.alive()]
        if len(self._left) >= _LEFT_AT_MOST:
            raise FatalError(f"{len(self._left)} producers hang already: {why}")
        log.warning("producer replaced", detail=why, hanging=len(self._left))
        self._instance.leave()
        self._left.append(self._instance)
        self._instance = Instance(self._settings, self._on_error)

"""Who keeps a transaction open for too long loses it, and not the slot."""

from __future__ import annotations

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.work import Output

from .broker import end_of, produce, read, values, wait_for
from .conftest import Flow
from .copying import copying


class GivenUp(ConfluentClient):
    """Does not commit its first transaction before the coordinator has ended it, as one does whose broker, or
    whose process, stood still for longer than the transaction's timeout."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow.servers, flow.group, "0")
        self._flow = flow
        self.given_up: list[int] = []

    def produce(self, outputs: list[Output]) -> None:
        self._made = len(outputs)
        super().produce(outputs)

    def commit(self) -> None:
        if not self.given_up:
            self._producer.flush()
            # The records, and in each of the two partitions that has some a marker.
            ended = wait_for(
                lambda: end_of(self._flow.servers, self._flow.out) > self._made, "the marker of an abort"
            )
            self.given_up.append(round(ended))
        super().commit()


def test_a_transaction_that_was_open_for_too_long_costs_an_abort_and_not_the_process(flow: Flow) -> None:
    client = GivenUp(flow)
    runner = flow.runner(copying(flow.out, flow.dead), client)
    produce(flow.servers, flow.source, [b"1", b"2", b"3"])
    wait_for(lambda: len(read(flow.servers, flow.out)) >= 3, "the copies")
    assert client.given_up
    assert values(read(flow.servers, flow.out)) == [b"1", b"2", b"3"]
    produce(flow.servers, flow.source, [b"4"])
    wait_for(lambda: len(read(flow.servers, flow.out)) == 4, "the flow to go on")
    assert flow.codes == []
    assert runner.check() is None

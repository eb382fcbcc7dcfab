"""port.Client on the simulated cluster without transactions: at least once."""

from __future__ import annotations

from collections.abc import Mapping

from treaty_chassis.kafka.port import AbortedError, RebalanceListener
from treaty_chassis.kafka.work import Output, Partition
from treaty_chassis.simulation.client import SimulatedClient

__all__ = ["AcknowledgedClient"]


class AcknowledgedClient(SimulatedClient):
    """What is produced is seen at once, and stays; offsets follow, if the process lives to commit them."""

    def open(self, listener: RebalanceListener) -> None:
        self._listener = listener
        self._offsets: Mapping[Partition, int] = {}
        self._faults.step("open", lambda: None)

    def begin(self) -> None:
        self._offsets = {}

    def produce(self, outputs: list[Output]) -> None:
        def send() -> None:
            for output in outputs:
                why = self._cluster.refuses(output)
                if why is not None:
                    raise AbortedError(why, by_record=True)
                self._cluster.append(output.topic, output.value, output.key, output.headers)

        self._faults.step("produce", send)
        outputs.clear()

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        self._faults.step("send_offsets", lambda: None)
        self._offsets = offsets

    def commit(self) -> None:
        def commit() -> None:
            self._group.check_generation(self._member)
            self._cluster.commit_offsets(self._group.name, self._offsets)

        self._faults.step("commit", commit)

    def abort(self) -> None:
        self._faults.step("abort", lambda: None)

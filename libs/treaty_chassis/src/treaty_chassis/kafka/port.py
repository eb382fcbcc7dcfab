"""What the runner needs of Kafka, a primitive a method, so that the loop can be driven by a simulation.

Two implementations: `client.ConfluentClient` on librdkafka, and the simulated cluster of
`treaty_chassis.simulation`. Both pass the same conformance test.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from treaty_chassis.kafka.work import Assigned, History, Output, Partition, Record

__all__ = [
    "AbortedError",
    "Client",
    "FatalError",
    "FencedError",
    "KafkaFailure",
    "RebalanceListener",
    "TimedOutError",
]


class KafkaFailure(Exception):  # noqa: N818 - the base is no error of its own
    """A primitive did not succeed; the subclass says what may be done about it."""


class TimedOutError(KafkaFailure):
    """It is not known whether it succeeded: the same call may be repeated."""


class AbortedError(KafkaFailure):
    """The transaction can only be aborted; what became of it is known once `abort` has returned.
    `by_record`: because of what was produced, so that the same records would fail again; otherwise because of
    the cluster or the group."""

    def __init__(self, detail: str, *, by_record: bool = False) -> None:
        super().__init__(detail)
        self.by_record = by_record


class FencedError(KafkaFailure):
    """Another process has this slot, for certain: this one must go, and not come back by itself."""


class FatalError(KafkaFailure):
    """The client can do nothing any more; only a new process can."""


class RebalanceListener(Protocol):
    """Called from within Client.poll and Client.close."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """These are new; the listener must call Client.start for them."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These are no longer this process's; the client stops fetching them by itself."""


class Client(Protocol):
    """One consumer and one transactional producer of one slot. Every method may raise FatalError or
    FencedError; those that name no other raise no other."""

    def open(self, listener: RebalanceListener) -> None:
        """Takes the slot over: ends what a predecessor left open and fences it. Raises TimedOutError."""

    def subscribe(self, topics: Collection[str]) -> None:
        """The whole subscription; a name that starts with ^ is a regular expression. Empty: none.
        A topic that appears is consumed from its beginning within about a second."""

    def poll(self, limit: int, timeout_s: float) -> Sequence[Record]:
        """Records as soon as there are any, at most `limit`, in offset order within a partition."""

    def passed(self) -> Mapping[Partition, int]:
        """Partitions whose end was met since this was last asked, and the offset that is next there: all
        records before it have been polled, and what else stands before it are markers and aborted ones."""

    def committed(self, partitions: Collection[Partition]) -> list[Assigned]:
        """Where each is to begin: the group's committed offset once no transaction is pending on it, or
        the log's start where there is none. Raises TimedOutError."""

    def start(self, partitions: Sequence[Assigned]) -> None:
        """Begins to fetch newly assigned partitions, from exactly these offsets."""

    def seek(self, partitions: Sequence[Assigned]) -> None:
        """The next record polled of each is the first at or after its offset."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """No more records of them until resume; the position stays."""

    def resume(self, partitions: Collection[Partition]) -> None: ...

    def begin(self) -> None:
        """Begins a transaction; local."""

    def produce(self, outputs: list[Output]) -> None:
        """Into the open transaction. The list is the client's then, to empty. Raises AbortedError."""

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        """Each partition's next offset, with the group's metadata. Raises TimedOutError, AbortedError."""

    def commit(self) -> None:
        """Raises TimedOutError (the outcome is open: call again), AbortedError."""

    def abort(self) -> None:
        """Returns once the transaction has ended, for good: nothing of it happened or, where a commit was
        asked for and its answer lost, all of it. `committed` tells. Raises TimedOutError."""

    def history(self) -> History: ...

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The end of each partition as last seen; local, partitions never seen left out."""

    def trouble(self) -> str | None:
        """What keeps the client from its cluster, None while nothing does."""

    def stranded(self) -> Mapping[Partition, str]:
        """Partitions that cannot go on because their next record is gone, and why."""

    def close(self) -> None:
        """Leaves without giving up the slot's membership, so that a restart finds its partitions."""

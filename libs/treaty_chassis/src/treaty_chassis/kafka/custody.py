"""Which partitions are this process's, from where, and which of them wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog

from treaty_chassis.kafka.ledger import Ledger
from treaty_chassis.kafka.port import Client
from treaty_chassis.kafka.suspicion import Suspicion
from treaty_chassis.kafka.transaction import persist
from treaty_chassis.kafka.work import Assigned, Partition, Work

__all__ = ["Custody", "Wishes"]

log = structlog.get_logger(__name__)


class Wishes:
    """What other threads want of the loop, until the loop takes it up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: frozenset[str] = frozenset()
        self._held: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        """The whole subscription."""
        return self._topics

    @property
    def held(self) -> frozenset[str]:
        """Topics of which nothing is to be taken."""
        return self._held

    def subscribe(self, topics: Collection[str]) -> None:
        with self._lock:
            self._topics = frozenset(topics)

    def hold(self, topics: Collection[str]) -> None:
        with self._lock:
            self._held |= frozenset(topics)

    def release(self, topics: Collection[str]) -> None:
        with self._lock:
            self._held -= frozenset(topics)


class Custody:
    """Keeps client, ledger and work of one mind about every partition. A partition is either

    active: polled, in the ledger, known to the work;
    crowded: as active, and paused until what is in hand of it has shrunk; or
    suspended: assigned, paused, and to ledger and work as if revoked.
    """

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        work: Work,
        suspicion: Suspicion,
        wishes: Wishes,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`over` tells whether the process is to end whatever the cluster does."""
        self._client = client
        self._ledger = ledger
        self._work = work
        self._suspicion = suspicion
        self._wishes = wishes
        self._over = over
        self._subscribed: frozenset[str] = frozenset()
        self._crowded: set[Partition] = set()
        self.owned: set[Partition] = set()
        self.suspended: dict[Partition, int] = {}
        """With the offset each waits at. Never changed in place: other threads look at it."""
        self.joined = False
        """Whether the group has ever said what is this process's, be it nothing."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """From the group, within poll: each starts at the committed offset, the held ones paused."""
        log.info("partitions assigned", partitions=_names(partitions))
        starts = self._committed(partitions)
        self._client.start(starts)
        self.owned.update(partitions)
        held = {p: offset for p, offset in starts if p.topic in self._wishes.held}
        if held:
            self._client.pause(held.keys())
            self.suspended = self.suspended | held
        self._activate(starts)
        self.joined = True

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """From the group, within poll."""
        log.info("partitions revoked", partitions=_names(partitions))
        self._forget([p for p in partitions if p in self.owned and p not in self.suspended])
        self._suspicion.revoked(partitions)
        self.owned.difference_update(partitions)
        self.suspended = {p: at for p, at in self.suspended.items() if p not in partitions}

    def suspending(self) -> bool:
        """Whether `obey` is about to suspend a partition."""
        held = self._wishes.held
        return bool(held) and any(p.topic in held and p not in self.suspended for p in self.owned)

    def obey(self) -> None:
        """Takes up what other threads wish."""
        topics, held = self._wishes.topics, self._wishes.held
        if topics != self._subscribed:
            log.info("subscribed", topics=sorted(topics))
            self._client.subscribe(topics)
            self._subscribed = topics
        suspend = [p for p in self.owned if p.topic in held and p not in self.suspended]
        if suspend:
            log.info("partitions suspended", partitions=_names(suspend))
            settled = self._ledger.settled
            self._client.pause(suspend)
            self._forget(suspend)
            self.suspended = self.suspended | {p: settled[p] for p in suspend}
        release = [p for p in self.suspended if p.topic not in held]
        if release:
            log.info("partitions released", partitions=_names(release))
            self.suspended = {p: at for p, at in self.suspended.items() if p not in release}
            self.set_back(release)
            self._client.resume(release)

    def balance(self) -> None:
        """Pauses partitions of which too much is in hand, and lets them go on at half of it."""
        crowded = self._ledger.crowded() - self._crowded
        if crowded:
            self._client.pause(crowded)
            self._crowded |= crowded
        if self._crowded:
            roomy = self._ledger.roomy() & self._crowded
            if roomy:
                self._client.resume(roomy)
                self._crowded -= roomy

    def set_back(self, partitions: Collection[Partition]) -> None:
        """To the broker's committed offsets, and ledger and work with them."""
        starts = self._committed(partitions)
        self._client.seek(starts)
        self._activate(starts)

    def set_all_back(self) -> None:
        """After an abort: everything in hand is dropped, of partitions that were no part of it too."""
        self._ledger.revoke(self._ledger.partitions)
        self._work.reset()
        self.set_back(self.owned)

    def _committed(self, partitions: Collection[Partition]) -> list[Assigned]:
        return persist(lambda: self._client.committed(partitions), "reading committed offsets", self._over)

    def _activate(self, starts: Sequence[Assigned]) -> None:
        active = [start for start in starts if start.partition not in self.suspended]
        if active:
            self._ledger.assign(active)
            self._work.assigned(active, self._client.history())

    def _forget(self, partitions: Collection[Partition]) -> None:
        if partitions:
            self._crowded.difference_update(partitions)
            self._ledger.revoke(partitions)
            self._work.revoked(list(partitions))


def _names(partitions: Iterable[Partition]) -> list[str]:
    return sorted(f"{p.topic}[{p.number}]" for p in partitions)

"""A consumer group: static members, generations, and cooperative rebalancing, one partition at a time."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from treaty_chassis.kafka.port import AbortedError, FencedError
from treaty_chassis.kafka.work import Partition
from treaty_chassis.simulation.cluster import Cluster

__all__ = ["Group", "Member"]


@dataclass(slots=True, eq=False)
class Member:
    """One process's membership; `instance` outlives it."""

    instance: str
    topics: frozenset[str] = frozenset()
    generation: int = -1
    owned: set[Partition] = field(default_factory=set)


class Group:
    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name = name
        self._cluster = cluster
        self._members: dict[str, Member] = {}
        self._owners: dict[Partition, str] = {}
        self._target: dict[Partition, str] = {}
        self._generation = 0

    def join(self, member: Member) -> None:
        """Takes the instance's place; what its predecessor had is its own, to be assigned anew."""
        previous = self._members.get(member.instance)
        self._members[member.instance] = member
        self._release(member.instance)
        if previous is None or previous.topics != member.topics:
            self.rebalance()

    def expire(self, instance: str) -> None:
        """The member has been silent for too long."""
        if self._members.pop(instance, None) is not None:
            self._release(instance)
            self.rebalance()

    def _release(self, instance: str) -> None:
        self._owners = {p: owner for p, owner in self._owners.items() if owner != instance}

    def rebalance(self, turn: int = 0) -> None:
        """Another generation; `turn` shifts who gets what."""
        self._generation += 1
        self._target = {}
        for number, partition in enumerate(sorted(self._wanted())):
            takers = sorted(m.instance for m in self._members.values() if _subscribes(m, partition.topic))
            if takers:
                self._target[partition] = takers[(number + turn) % len(takers)]

    def _wanted(self) -> Collection[Partition]:
        return [
            Partition(topic, number)
            for topic, count in self._cluster.topics.items()
            for number in range(count)
            if any(_subscribes(m, topic) for m in self._members.values())
        ]

    def heartbeat(self, member: Member) -> tuple[set[Partition], set[Partition]]:
        """What the member must give up now, and what is newly its own. One that was given up for dead has
        lost everything and joins again. Raises FencedError."""
        self._check(member)
        lost: set[Partition] = set()
        if member.instance not in self._members:
            lost, member.owned = member.owned, set()
            self.join(member)
        if set(self._wanted()) != set(self._target):
            self.rebalance()
        member.generation = self._generation
        revoked = {p for p in member.owned if self._target.get(p) != member.instance}
        for partition in revoked:
            self._owners.pop(partition, None)
        assigned = set()
        for partition, instance in self._target.items():
            free = self._owners.get(partition, instance) == instance
            if instance == member.instance and partition not in member.owned and free:
                self._owners[partition] = instance
                assigned.add(partition)
        member.owned = (member.owned - revoked) | assigned
        return lost | revoked, assigned

    def usurped(self, member: Member) -> bool:
        """Whether another process is the instance's member now."""
        return self._members.get(member.instance, member) is not member

    def _check(self, member: Member) -> None:
        if self.usurped(member):
            raise FencedError(f"{member.instance} is another process now")

    def check_generation(self, member: Member) -> None:
        """As the coordinator does for offsets in a transaction. Raises FencedError, AbortedError."""
        self._check(member)
        if member.instance not in self._members or member.generation != self._generation:
            raise AbortedError(f"generation {member.generation} is over")


def _subscribes(member: Member, topic: str) -> bool:
    return any(re.search(t, topic) if t.startswith("^") else t == topic for t in member.topics)

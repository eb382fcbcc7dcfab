"""What governance's decisions mean for this worker: which topics it reads, and which wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.topics import accepted_topic

__all__ = ["Orders", "objection", "orders"]


@dataclass(frozen=True, slots=True)
class Orders:
    """Topics to be subscribed to, and those of them from which nothing is taken."""

    read: frozenset[str]
    held: frozenset[str]


def orders(digests: Mapping[str, str], decisions: Mapping[str, ContractDecided]) -> Orders:
    """A plugin's topic is read only while the decision is on the very package that is hosted here.

    A quarantined plugin's topic stays subscribed and is held: the worker stays a member of the group, so the
    committed offset does not expire and nobody else takes the partition. The plugin's topic exists once the
    decision names one.
    """
    read, held = set(), set()
    for name, digest in digests.items():
        decided = decisions.get(name)
        if decided is None or decided.topic is None or decided.digest != digest:
            continue
        topic = accepted_topic(name).name
        if decided.state is not PluginState.REFUSED:
            read.add(topic)
        if decided.state is PluginState.QUARANTINED:
            held.add(topic)
    return Orders(frozenset(read), frozenset(held))


def objection(digest: str, decided: ContractDecided | None) -> str | None:
    """Why a plugin's uplinks are not worked on, for readiness; None: nothing is in its way.

    A quarantine is an order that is being followed, not a fault.
    """
    if decided is None:
        return "no decision on it yet"
    if decided.state is PluginState.REFUSED:
        return f"refused: {decided.reason}"
    if decided.digest != digest:
        return f"{decided.digest} is admitted, not {digest}"
    return None

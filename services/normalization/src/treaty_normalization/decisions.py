"""What governance's decisions mean for this worker: what it hosts, which topics it reads, and which wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.topics import accepted_topic

__all__ = ["Orders", "in_use", "objection", "orders"]


@dataclass(frozen=True, slots=True)
class Orders:
    """Topics to be subscribed to, and those of them from which nothing is taken."""

    read: frozenset[str]
    held: frozenset[str]


def in_use(decided: ContractDecided) -> bool:
    """Whether there is anything to host: some package is decided on, and a device uses the plugin.

    A quarantined one is hosted too: its partitions are kept, and it can go on at once.
    """
    return decided.topic is not None and decided.state is not PluginState.REFUSED


def orders(
    hosted: Mapping[str, str],
    decisions: Mapping[str, ContractDecided],
    refused: Collection[str] = (),
    held_before: Collection[str] = (),
) -> Orders:
    """`hosted` are digests by plugin, `refused` those admitted digests that cannot be had or run here,
    `held_before` the topics held until now.

    A plugin's topic is read while the decision is on the very package that is hosted here. While the package
    that replaces it is being judged, what was read until now still is, and what was held still is: a fixed
    version's admission never lets the broken one go on. A quarantined plugin's topic stays subscribed and is
    held: the worker stays a member of the group, so the committed offset does not expire and nobody else
    takes the partition.
    """
    read, held = set(), set()
    for name, digest in hosted.items():
        decided = decisions.get(name)
        if decided is None or not in_use(decided):
            continue
        if decided.digest != digest and decided.digest in refused:
            continue
        topic = accepted_topic(name).name
        read.add(topic)
        replaced = decided.digest != digest
        if decided.state is PluginState.QUARANTINED or (replaced and topic in held_before):
            held.add(topic)
    return Orders(frozenset(read), frozenset(held))


def objection(hosted: str | None, decided: ContractDecided | None) -> str | None:
    """Why a plugin's uplinks are not worked on, for readiness; None: nothing is in its way.

    A quarantine is an order that is being followed, not a fault; nor is it one that nobody uses the plugin.
    """
    if decided is None:
        return "no decision on it yet"
    if decided.state is PluginState.REFUSED:
        return f"refused: {decided.reason}"
    if in_use(decided) and decided.digest != hosted:
        return f"{decided.digest} is being judged"
    return None

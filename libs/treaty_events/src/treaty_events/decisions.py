"""What governance decided of a plugin, and what workers report to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from treaty_events.instants import Instant

__all__ = [
    "ATTESTED_BY",
    "BUDGET_EXCEEDED",
    "PACKAGE_CHANGED",
    "QUARANTINING",
    "VECTORS_DIFFER",
    "ContractDecided",
    "PluginReported",
    "PluginState",
]

ATTESTED_BY: Final = "attested by "
"""How a report's kind begins, before the slot: a worker took a version up, and attests it in the detail."""
BUDGET_EXCEEDED: Final = "budget_exceeded"
"""A report's kind: a version broke more promises than it may."""
VECTORS_DIFFER: Final = "vectors_differ"
"""A report's kind: a version at work answers its vectors otherwise than when it was admitted."""
PACKAGE_CHANGED: Final = "package_changed"
"""A report's kind: the files that a worker took a version from are no longer that version's."""
QUARANTINING: Final = frozenset({BUDGET_EXCEEDED, VECTORS_DIFFER})
"""Kinds of reports on which governance quarantines the reported package."""


class PluginState(StrEnum):
    ADMITTED = "admitted"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ContractDecided:
    """Value of contract.decided.v1, key = plugin name: the plugin's whole current decision.

    `digest` is the admitted package's (sha256:<hex>); `topic` is the plugin's accepted topic once it
    exists, None until a device uses the plugin. A worker consumes only while state is admitted and the
    digest is its own.
    """

    TYPE: ClassVar[str] = "treaty.contract.decided.v1"

    plugin: str
    plugin_version: str
    digest: str
    state: PluginState
    reason: str
    decided_by: str
    decided_at: Instant
    version: int
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class PluginReported:
    """Value of plugin.reported.v1, key = plugin name: something a worker saw of a plugin at run time."""

    TYPE: ClassVar[str] = "treaty.plugin.reported.v1"

    plugin: str
    plugin_version: str
    digest: str
    slot: str
    kind: str
    detail: str
    reported_at: Instant
    count: int = 1

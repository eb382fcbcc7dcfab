"""What governance is told of plugins at run time: counted, and at most one report a second of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from treaty_chassis.kafka.work import Output
from treaty_events.codec import encode
from treaty_events.decisions import PluginReported
from treaty_events.envelope import Envelope
from treaty_events.instants import rfc3339
from treaty_events.topics import PLUGIN_REPORTED
from treaty_normalization.plugins import Plugin
from treaty_normalization.wire import SOURCE

__all__ = ["VIOLATIONS", "Reports"]

VIOLATIONS: Final = frozenset(
    {"contract_violation", "output_too_large", "deadline_exceeded", "child_crashed"}
)
"""Reasons that speak against the plugin; a decode error speaks against the payload."""
INTERVAL_MS: Final = 1000


@dataclass(slots=True)
class _Count:
    detail: str
    count: int
    id: str


class Reports:
    """Of one plugin. A report rides in the transaction of the uplink that caused it: none is told twice."""

    def __init__(self, plugin: Plugin, slot: str) -> None:
        self._plugin = plugin
        self._slot = slot
        self._counts: dict[str, _Count] = {}
        self._next_at: dict[str, int] = {}

    def note(self, kind: str, detail: str, uplink: str) -> None:
        """One more; the last detail is told. `uplink` is the id of the one it was seen at."""
        held = self._counts.get(kind)
        self._counts[kind] = _Count(detail, 1 if held is None else held.count + 1, uplink)

    @property
    def waiting(self) -> bool:
        """Whether anything has been noted that is not told yet."""
        return bool(self._counts)

    def due(self, now_ms: int, *, every: bool = False) -> list[Output]:
        """What is to be told now, and is then forgotten; `every`: of kinds told a moment ago too."""
        kinds = [kind for kind in self._counts if every or self._next_at.get(kind, 0) <= now_ms]
        return [self._output(kind, self._counts.pop(kind), now_ms) for kind in kinds]

    def reset(self) -> None:
        """Nothing noted has happened: the uplinks come again."""
        self._counts.clear()
        self._next_at.clear()

    def _output(self, kind: str, seen: _Count, now_ms: int) -> Output:
        self._next_at[kind] = now_ms + INTERVAL_MS
        plugin = self._plugin
        body = encode(
            PluginReported(
                plugin.name,
                plugin.version,
                plugin.digest,
                self._slot,
                kind,
                seen.detail[:500],
                rfc3339(now_ms),
                seen.count,
            )
        )
        headers = Envelope(seen.id, SOURCE, PluginReported.TYPE).headers()
        return Output(PLUGIN_REPORTED, plugin.name.encode(), body, headers)

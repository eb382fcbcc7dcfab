"""The reconciler's account in numbers, and in words what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Report"]

MAX_FAULTS: Final = 100


@dataclass(slots=True)
class Report:
    """`faults` says in words what missing, duplicates and wrong_values count."""

    uplinks: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    duplicates_dropped: int = 0
    readings: int = 0
    delivered: int = 0
    missing: int = 0
    duplicates: int = 0
    wrong_values: int = 0
    latencies_ms: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return self.missing == self.duplicates == self.wrong_values == 0

    def to_json(self, ready_s: float | None) -> dict[str, Any]:
        ordered = sorted(self.latencies_ms)
        return {
            "uplinks": self.uplinks,
            "accepted": self.accepted,
            "refused": dict(sorted(self.refused.items())),
            "dead_letters": dict(sorted(self.dead_letters.items())),
            "duplicates_dropped": self.duplicates_dropped,
            "readings": self.readings,
            "delivered": self.delivered,
            "missing": self.missing,
            "duplicates": self.duplicates,
            "wrong_values": self.wrong_values,
            "latency_ms": {
                "p50": _percentile(ordered, 50),
                "p99": _percentile(ordered, 99),
                "max": ordered[-1] if ordered else None,
            },
            "ready_s": ready_s,
        }

    def _fault(self, count: str, text: str, times: int = 1) -> None:
        setattr(self, count, getattr(self, count) + times)
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{count}: {text}")

    def miss(self, text: str, times: int = 1) -> None:
        self._fault("missing", text, times)

    def repeat(self, text: str, times: int = 1) -> None:
        self._fault("duplicates", text, times)

    def wrong(self, text: str) -> None:
        self._fault("wrong_values", text)


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Nearest rank."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

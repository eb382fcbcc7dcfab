"""What a child's reply says of an exception, as findings tell it."""

from __future__ import annotations

import re
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.probe.channel import ChildDiedError
from treaty_contracts.probe.session import Outcome
from treaty_contracts.probe.values import shown

__all__ = ["death", "judge_replies", "place_of", "thrown"]

_ADDRESS = re.compile("0x[0-9a-f]{6}")
"""Of an object in memory: another one on each machine."""


def place_of(reply: Any) -> Place | None:
    """The package's own innermost line of an exception."""
    match reply.get("at") if isinstance(reply, dict) else None:
        case [str(path), int(line)]:
            return Place(path, line)
    return None


def thrown(reply: dict[str, Any], names: list[str]) -> str:
    """The exception as a short text, the same on every run."""
    message = str(reply.get("message", ""))[:200]
    return f"{names[0]}: {message}" if message else names[0]


def death(died: ChildDiedError, what: str, promise: str) -> Finding:
    """The finding for a child that did not survive."""
    if died.reason == "deadline":
        return Finding(
            "P509",
            Severity.ERROR,
            f"{what}: {died.detail}",
            promise,
            hint="look for a loop that the input keeps alive",
        )
    if died.reason == "output":
        return Finding("P510", Severity.ERROR, f"{what}: {died.detail}", promise)
    return Finding("P511", Severity.ERROR, f"{what}: the process ended ({died.detail})", promise)


def judge_replies(outcome: Outcome, label: str, promise: str) -> Finding | None:
    """What is wrong with the replies as such: the child died, or they differ."""
    if outcome.died is not None:
        return death(outcome.died, label, promise)
    first, *others = outcome.replies
    if isinstance(first, dict) and first.get("changed"):
        return Finding("X309", Severity.ERROR, f"{label}: the uplink it was given is changed", promise)
    for other in others:
        if other == first:
            continue
        left, right = (
            shown(reply["value"]) if isinstance(reply, dict) and "value" in reply else "an error"
            for reply in (first, other)
        )
        again = outcome.replies[1:]
        stable = left != right and len(again) == 3 and all(reply == again[0] for reply in again)
        stable = stable and not _ADDRESS.search(left + right)
        return Finding(
            "P504",
            Severity.ERROR,
            f"{label}: the same input gave different outputs",
            promise,
            place=place_of(first),
            expected=left if stable else None,
            observed=right if stable else None,
            hint="take time from uplink.received_at, keep nothing between calls, sort what came from a set",
        )
    return None

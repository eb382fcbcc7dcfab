"""The compatibility modes of schema registries, as directions of containment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from treaty_contracts.compatibility.containment import Containment, Incompatibility, Verdict, contains

__all__ = ["Compatibility", "Conflict", "Mode", "check_compatibility"]


class Mode(StrEnum):
    """BACKWARD: new readers read old values. FORWARD: old readers read new values. FULL: both.

    The transitive ones compare with every earlier version, the others with the last only.
    """

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


@dataclass(frozen=True, slots=True)
class Conflict:
    """What stands between the proposal and one earlier version (its index in `previous`)."""

    version: int
    direction: str
    verdict: Verdict
    incompatibilities: tuple[Incompatibility, ...]


@dataclass(frozen=True, slots=True)
class Compatibility:
    """`compatible` only where every direction is proved; undecided ones are conflicts too."""

    conflicts: tuple[Conflict, ...] = ()

    @property
    def compatible(self) -> bool:
        return not self.conflicts

    @property
    def undecided(self) -> bool:
        """Whether all that stands in the way is that nothing could be proved."""
        return bool(self.conflicts) and all(part.verdict is Verdict.UNDECIDED for part in self.conflicts)


def check_compatibility(
    proposal: Any, previous: Sequence[Any], mode: Mode = Mode.BACKWARD_TRANSITIVE
) -> Compatibility:
    """Hold a proposed schema against earlier ones, oldest first. Raises SchemaError."""
    if mode is Mode.NONE or not previous:
        return Compatibility()
    start = 0 if mode.endswith("TRANSITIVE") else len(previous) - 1
    conflicts: list[Conflict] = []
    for index in range(start, len(previous)):
        directions: list[tuple[str, Containment]] = []
        if mode.startswith(("BACKWARD", "FULL")):
            directions.append(("backward", contains(proposal, previous[index])))
        if mode.startswith(("FORWARD", "FULL")):
            directions.append(("forward", contains(previous[index], proposal)))
        conflicts += [
            Conflict(index, direction, answer.verdict, answer.incompatibilities)
            for direction, answer in directions
            if answer.verdict is not Verdict.YES
        ]
    return Compatibility(tuple(conflicts))

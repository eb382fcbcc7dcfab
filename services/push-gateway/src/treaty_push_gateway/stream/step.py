"""The fan-out: one tick of the log in, one message a group out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from treaty_push_gateway.stream.cursor import Log, Position, furthest, write_cursor
from treaty_push_gateway.stream.entry import Tick
from treaty_push_gateway.stream.filters import Group, Groups
from treaty_push_gateway.stream.messages import Outgoing, readings

__all__ = ["Fanout", "step"]


@dataclass(frozen=True, slots=True)
class Fanout:
    """Which log, and up to where it has been given out to those who are live."""

    log: Log
    position: Position

    @property
    def cursor(self) -> str:
        return write_cursor(self.log, self.position)


def step(state: Fanout, groups: Groups, tick: Tick) -> tuple[Fanout, dict[Group, Outgoing]]:
    """Groups without a match get nothing; a tick without entries only moves the position."""
    state = replace(state, position=furthest(state.position, tick.position))
    bodies: dict[Group, list[bytes]] = {}
    for entry in tick.entries:
        for group in groups.of(entry):
            bodies.setdefault(group, []).append(entry.body)
    if not bodies:
        return state, {}
    cursor = state.cursor
    return state, {group: readings(group.id, cursor, matched) for group, matched in bodies.items()}

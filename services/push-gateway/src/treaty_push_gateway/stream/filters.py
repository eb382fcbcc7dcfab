"""Who wants which entries, indexed so that an entry finds its groups without asking each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from treaty_push_gateway.stream.entry import Entry

__all__ = ["Filter", "Group", "Groups"]


@dataclass(frozen=True, slots=True)
class Filter:
    """`workspaces` None means all, and is for platform administrators only; an empty set means none.
    The other sets restrict nothing when empty."""

    workspaces: frozenset[str] | None
    devices: frozenset[str] = field(default_factory=frozenset)
    models: frozenset[str] = field(default_factory=frozenset)
    measurements: frozenset[str] = field(default_factory=frozenset)

    def admits(self, entry: Entry) -> bool:
        return (
            (self.workspaces is None or entry.workspace in self.workspaces)
            and (not self.devices or entry.device in self.devices)
            and (not self.models or entry.model in self.models)
            and (not self.measurements or not self.measurements.isdisjoint(entry.names))
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Subscriptions of one filter and one client-chosen id get the very same bytes."""

    id: str
    filter: Filter


class Groups:
    """The groups with members, each filed under its most selective list."""

    def __init__(self) -> None:
        self._filed: dict[Hashable, set[Group]] = {}

    def add(self, group: Group) -> None:
        for key in _keys(group.filter):
            self._filed.setdefault(key, set()).add(group)

    def remove(self, group: Group) -> None:
        for key in _keys(group.filter):
            filed = self._filed.get(key)
            if filed is not None:
                filed.discard(group)
                if not filed:
                    del self._filed[key]

    def of(self, entry: Entry) -> Iterator[Group]:
        """The groups whose filter admits the entry, each once."""
        for key in (("device", entry.device), ("workspace", entry.workspace), ("model", entry.model), "all"):
            for group in self._filed.get(key, ()):
                if group.filter.admits(entry):
                    yield group


def _keys(filter: Filter) -> Iterator[Hashable]:
    if filter.devices:
        yield from (("device", device) for device in filter.devices)
    elif filter.workspaces is not None:
        yield from (("workspace", workspace) for workspace in filter.workspaces)
    elif filter.models:
        yield from (("model", model) for model in filter.models)
    else:
        yield "all"

"""The latest per device and name, for a subscriber that asked for that rather than for everything."""

from __future__ import annotations

from collections.abc import Iterator

from treaty_push_gateway.stream.entry import Entry

__all__ = ["Latest"]


class Latest:
    """Entries waiting for a slow subscriber. One is dropped once later entries (by `ordered_at`, then by
    arrival) of its device cover all of its names, so memory is bounded by devices and names."""

    def __init__(self) -> None:
        self._order = 0
        self._holders: dict[tuple[str, str], tuple[int, Entry]] = {}
        self._held: dict[int, tuple[Entry, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, entry: Entry) -> None:
        self._order += 1
        won = 0
        # An entry without names says that the device spoke: the latest such is kept.
        for name in entry.names or ("",):
            key = (entry.device, name)
            holder = self._holders.get(key)
            if holder is not None and holder[1].ordered_at > entry.ordered_at:
                continue
            if holder is not None:
                self._lose(holder[0])
            self._holders[key] = (self._order, entry)
            won += 1
        if won:
            self._held[self._order] = (entry, won)

    def take(self, limit: int) -> Iterator[Entry]:
        """Removes and yields the oldest entries, up to `limit` bytes of JSON but one at least."""
        size = 0
        while self._held:
            order, (entry, _) = next(iter(self._held.items()))
            if size and size + len(entry.body) > limit:
                return
            size += len(entry.body)
            del self._held[order]
            for name in entry.names or ("",):
                if self._holders.get((entry.device, name), (0, entry))[0] == order:
                    del self._holders[(entry.device, name)]
            yield entry

    def _lose(self, order: int) -> None:
        entry, names = self._held[order]
        if names == 1:
            del self._held[order]
        else:
            self._held[order] = (entry, names - 1)

"""Whether the worker can do its job, by part: the machinery, and each plugin that is in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treaty_chassis.probes import Check
from treaty_normalization.gate import Gate
from treaty_normalization.hosting import Hosting
from treaty_normalization.shelf import Shelf

__all__ = ["Readiness"]


class Readiness(Mapping[str, Check]):
    """The checks as they are at the moment they are asked for: plugins come and go with decisions."""

    def __init__(
        self, machinery: Mapping[str, Check], shelf: Shelf, gate: Gate, hostings: Mapping[str, Hosting]
    ) -> None:
        self._machinery = machinery
        self._shelf = shelf
        self._gate = gate
        self._hostings = hostings

    def __getitem__(self, name: str) -> Check:
        if name == "plugins":
            return self._plugins
        if name.startswith("plugin "):
            return lambda: self._plugin(name.removeprefix("plugin "))
        return self._machinery[name]

    def __iter__(self) -> Iterator[str]:
        plugins = [f"plugin {name}" for name in self._gate.concerned()]
        return iter([*self._machinery, "plugins", *plugins])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _plugins(self) -> str | None:
        if not self._shelf.names:
            return "no plugin to host"
        return None if self._gate.opened else "what is decided has not been taken up yet"

    def _plugin(self, name: str) -> str | None:
        why = self._gate.objection(name)
        hosting = self._hostings.get(name)
        if why is not None or hosting is None:
            return why
        return hosting.check()

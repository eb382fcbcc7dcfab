"""What is to be installed: services, groups of plugin workers, and what is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

__all__ = [
    "BACKING",
    "SHIPPED",
    "Group",
    "Selection",
    "SelectionError",
    "groups",
    "matching",
    "numbers",
    "one_of",
    "pairs",
]

SHIPPED: Final = "shipped"
"""The group there is when no other is named, as the chart calls it."""
BACKING: Final = {"kafka": "kafka", "postgres": "postgres", "redis": "valkey"}
"""What can be elsewhere, and the compose file's server in its place."""
_GROUP: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?")
_PATTERN: Final = re.compile(r"[a-z0-9*?\[\]!-]+")
_IMAGE: Final = {
    "--registry": re.compile(r"([A-Za-z0-9][A-Za-z0-9.:/_-]*)?"),
    "--tag": re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?"),
    "--image": re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_@-]*"),
}
"""Parts of an image's name, without what compose files and shells would take for a variable.
Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests"""


class SelectionError(ValueError):
    """What was asked for is not there. `option` is who asked."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True, slots=True)
class Group:
    """Workers that host the same plugins. `hosted` are those that are known, by name the package's folder,
    None where nothing is known of them; `packages` those that are the integrator's own."""

    name: str
    plugins: str
    slots: int = 1
    image: str | None = None
    hosted: Mapping[str, Path] | None = None
    packages: Mapping[str, Path] = field(default_factory=dict)

    def with_slots(self, slots: int) -> Group:
        return replace(self, slots=slots)


@dataclass(frozen=True, slots=True)
class Selection:
    """`services` by the chart's names, the worker among them where there are `groups`; `ingestion` is how
    many processes it was asked to have, if it was."""

    services: frozenset[str]
    groups: tuple[Group, ...]
    ingestion: int | None = None
    external: frozenset[str] = frozenset()
    registry: str = ""
    tag: str = ""

    @property
    def partitions(self) -> int:
        """A plugin's topic needs as many as the most workers that share it."""
        return max((group.slots for group in self.groups), default=1)


def one_of(option: str, given: Sequence[str], known: Mapping[str, str]) -> frozenset[str]:
    """The names in comma-separated lists; `known` has other names that are taken for them as its values. All
    of them where none is given. Raises SelectionError for a name that is not known."""
    also = {other: name for name, other in known.items()}
    asked = [name.strip() for text in given for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in known and name not in also:
            raise SelectionError(option, f"{name!r} is not one of {', '.join(sorted(known))}")
    return frozenset(name if name in known else also[name] for name in asked) or frozenset(known)


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE by name. Raises SelectionError for what is no such pair and for a name that comes twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not _GROUP.fullmatch(name) or not value:
            raise SelectionError(
                option, f"expected NAME=VALUE, the name of lower-case letters and digits, got {text!r}"
            )
        if name in found:
            raise SelectionError(option, f"{name} is given twice")
        found[name] = value
    return found


def matching(option: str, text: str) -> str:
    """A part of an image's name as it was given. Raises SelectionError for what can be none."""
    if not _IMAGE[option].fullmatch(text):
        raise SelectionError(option, f"{text!r} cannot stand in an image's name")
    return text


def numbers(given: Iterable[str], known: Iterable[str]) -> dict[str, int]:
    """How many processes those of `known` were asked to have: `N` all groups of workers, `NAME=N` one by its
    name. Raises SelectionError."""
    names = list(known)
    found: dict[str, int] = {}
    for text in sorted(given, key=lambda one: "=" in one):
        name, _, number = text.rpartition("=")
        if not number.isdecimal() or not 1 <= int(number) <= 256:
            raise SelectionError("--slots", f"expected N or NAME=N from 1 to 256, got {text!r}")
        if name and name not in names:
            raise SelectionError("--slots", f"{name!r} is not one of {', '.join(sorted(names))}")
        for one in [name] if name else [n for n in names if n != "ingestion"]:
            found[one] = int(number)
    return found


def groups(
    patterns: Mapping[str, str],
    shipped: Mapping[str, Path] | None,
    own: Mapping[str, Mapping[str, Path]],
    images: Mapping[str, str],
) -> tuple[Group, ...]:
    """A group for each name of `patterns`. `shipped` are the plugins known to be in the platform's worker
    image, None where that cannot be told; `own` by group those of a folder that is added to it. Raises
    SelectionError for a pattern that no plugin of its group matches, for packages that no pattern does, and
    for groups that are not."""
    for option, named in (("--own", own), ("--image", images)):
        if strange := sorted(set(named) - set(patterns)):
            raise SelectionError(option, f"{strange[0]!r} is not one of the groups {', '.join(patterns)}")
    found = []
    folders: dict[str, Path] = {}
    for name, text in patterns.items():
        added = own.get(name, {})
        if added and name in images:
            raise SelectionError("--own", f"{name!r} has an image of its own: its packages belong into that")
        if twice := sorted(set(added) & set(shipped or {})):
            raise SelectionError(
                "--own", f"{twice[0]} is a plugin of the image already: give yours another name"
            )
        known = None if shipped is None or name in images else {**shipped, **added}
        hosted = _hosted(name, text, known)
        packages = {plugin: folder for plugin, folder in sorted(added.items()) if _hosts(text, plugin)}
        if added and not packages:
            raise SelectionError(
                "--own", f"{name!r} hosts {text}, which is none of {', '.join(sorted(added))}"
            )
        for plugin, folder in packages.items():
            if folders.setdefault(plugin, folder.resolve()) != folder.resolve():
                raise SelectionError("--own", f"{plugin} is in {folders[plugin]} and in {folder}")
        found.append(Group(name, text, 1, images.get(name), hosted, packages))
    return tuple(found)


def _hosts(text: str, plugin: str) -> bool:
    return any(fnmatchcase(plugin, pattern.strip()) for pattern in text.split(","))


def _hosted(group: str, text: str, known: Mapping[str, Path] | None) -> dict[str, Path] | None:
    option = "--plugins" if group == SHIPPED else "--group"
    found: dict[str, Path] = {}
    for pattern in (one.strip() for one in text.split(",")):
        if not _PATTERN.fullmatch(pattern):
            raise SelectionError(option, f"expected names of plugins or shell patterns, got {pattern!r}")
        matching = {name: folder for name, folder in (known or {}).items() if fnmatchcase(name, pattern)}
        if known is not None and not matching:
            raise SelectionError(option, f"{pattern!r} is none of the plugins {', '.join(sorted(known))}")
        found |= matching
    return None if known is None else dict(sorted(found.items()))

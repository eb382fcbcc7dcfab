"""The processes that one service of the compose file becomes: groups of workers, and slots."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Final

from treaty_cli.installation.definitions import WORKER
from treaty_cli.installation.elsewhere import Service
from treaty_cli.installation.selection import Group, Selection

__all__ = ["names", "processes", "published"]

PLUGINS: Final = "/plugins"
"""Where the images have their packages."""


def names(group: Group) -> list[str]:
    """Of its workers, in the compose file."""
    return [f"worker-{group.name}-{number}" for number in range(group.slots)]


def processes(
    name: str, service: Service, parts: Mapping[str, str], selection: Selection, beside: Path
) -> dict[str, Service]:
    """By name what `service` becomes; `beside` is the folder of the file."""
    everybody = {plugin: folder for group in selection.groups for plugin, folder in group.packages.items()}
    if name == parts[WORKER]:
        return dict(_workers(service, selection, beside))
    if name == parts["governance"] and selection.partitions > 1:
        default = f"${{TREATY_ACCEPTED_PARTITIONS:-{selection.partitions}}}"
        service["environment"]["TREATY_ACCEPTED_PARTITIONS"] = default
    if name == "publish":
        given, found = service["command"], published(selection)
        service["command"] = [part for one in given for part in (found if one == PLUGINS else [one])]
    if name in (parts["push"], "publish", "treaty"):
        _packages(service, everybody, beside)
    if name == parts["ingestion"] and selection.ingestion is not None and selection.ingestion > 1:
        return {
            f"{name}-{number}" if number else name: _slot(service, str(number), number == 0)
            for number in range(selection.ingestion)
        }
    return {name: service}


def published(selection: Selection) -> list[str]:
    """Where the packages are whose plugins are hosted from the platform's image or a folder; all of the
    image's where one group hosts all, or where its plugins are not known."""
    groups = [group for group in selection.groups if not group.image]
    if any(group.plugins == "*" or group.hosted is None for group in groups):
        return [PLUGINS]
    return sorted(
        {
            f"{PLUGINS}/{plugin if plugin in group.packages else folder.name}"
            for group in groups
            for plugin, folder in (group.hosted or {}).items()
        }
    )


def _workers(service: Service, selection: Selection, beside: Path) -> Iterator[tuple[str, Service]]:
    for group in selection.groups:
        for number, name in enumerate(names(group)):
            worker = _slot(service, f"{group.name}-{number}", number == 0 and group is selection.groups[0])
            worker["environment"]["TREATY_PLUGINS"] = group.plugins
            worker["image"] = group.image or worker["image"]
            _packages(worker, group.packages, beside)
            yield name, worker


def _slot(service: Service, slot: str, first: bool) -> Service:
    """One of several: a slot of its own, and only the first on a port of the machine."""
    found = deepcopy(service)
    found["environment"]["TREATY_SLOT"] = slot
    if not first:
        found.pop("ports", None)
    return found


def _packages(service: Service, packages: Mapping[str, Path], beside: Path) -> None:
    for plugin, folder in packages.items():
        source = os.path.relpath(folder.resolve(), beside.resolve())
        source = (source if source.startswith("..") else f"./{source}").replace("$", "$$")
        # By the plugin's name, which nothing in the image has: a folder's might hide one of those.
        mount = {"type": "bind", "source": source, "target": f"{PLUGINS}/{plugin}", "read_only": True}
        service.setdefault("volumes", []).append(mount | {"bind": {"create_host_path": False}})

"""The options that say what is to be installed, the same for every kind of file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from treaty_cli.installation import definitions
from treaty_cli.installation.definitions import WORKER, Definitions
from treaty_cli.installation.selection import (
    SHIPPED,
    Selection,
    SelectionError,
    groups,
    matching,
    numbers,
    one_of,
    pairs,
)
from treaty_cli.packages import packages
from treaty_contracts import ContractError, load

__all__ = ["Folder", "Groups", "Images", "Patterns", "Registry", "Services", "Slots", "Tag", "chosen"]

INGESTION: Final = "ingestion"
"""The one service that slots are asked for by its name."""
Services: TypeAlias = Annotated[
    list[str], typer.Option("--services", help="Which, commas between them; all where none is named.")
]
Patterns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--plugins", help=f"What the group {SHIPPED!r} of workers hosts: names or shell patterns, commas."
    ),
]
Groups: TypeAlias = Annotated[
    list[str], typer.Option("--group", help="NAME=PATTERNS: one more group of workers, and what it hosts.")
]
Images: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--image", help="NAME=IMAGE: a group's image with plugins of your own, FROM treaty/normalization."
    ),
]
Slots: TypeAlias = Annotated[
    list[str], typer.Option("--slots", help="N processes a group, or NAME=N of one group or of ingestion.")
]
Registry: TypeAlias = Annotated[
    str, typer.Option("--registry", help="Where the platform's images are pulled from.")
]
Tag: TypeAlias = Annotated[str, typer.Option("--tag", help="The platform's version.")]
Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        envvar="TREATY_PLUGINS_DIR",
        help="The packages that the worker's image carries, to look names up in; plugins/ of a checkout.",
        exists=True,
        file_okay=False,
    ),
]


def chosen(
    defined: Definitions,
    *,
    services: Sequence[str],
    patterns: str | None,
    named: Sequence[str],
    images: Sequence[str],
    slots: Sequence[str],
    folder: Path | None,
    own: Sequence[str] = (),
    external: frozenset[str] = frozenset(),
    registry: str = "",
    tag: str = "",
) -> Selection:
    """Raises SelectionError for what is not there."""
    asked = pairs("--group", named)
    if SHIPPED in asked:
        raise SelectionError("--group", f"what {SHIPPED!r} hosts is said by --plugins")
    if INGESTION in asked:
        raise SelectionError("--group", f"{INGESTION!r} is a service: give the group another name")
    if patterns is not None or not asked:
        asked = {SHIPPED: patterns or "*", **asked}
    kept = one_of("--services", services, defined.parts)
    shipped = folder or definitions.folder() / "plugins"
    added = {name: _packages(Path(path)) for name, path in pairs("--own", own).items()}
    of_groups = {name: matching("--image", image) for name, image in pairs("--image", images).items()}
    found = groups(asked, _packages(shipped) if shipped.is_dir() else None, added, of_groups)
    if WORKER not in kept:
        found = ()
    many = numbers(slots, [*(group.name for group in found), INGESTION])
    return Selection(
        services=kept,
        groups=tuple(group.with_slots(many.get(group.name, 1)) for group in found),
        ingestion=many.get(INGESTION),
        external=external,
        registry=matching("--registry", registry),
        tag=matching("--tag", tag),
    )


def _packages(folder: Path) -> Mapping[str, Path]:
    """The packages of a folder, by the plugin's name in the contract."""
    found = {}
    for path in packages([folder]) if folder.is_dir() else ():
        try:
            found[load(path).plugin] = path
        except ContractError as error:
            raise SelectionError("--own", f"{path}: {error}") from error
    if not found:
        raise SelectionError("--own", f"{folder} is no folder of plugin packages")
    return found

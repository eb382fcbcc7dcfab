"""The options that say what is to be installed, the same for every kind of file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, get_type_hints

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
from treaty_cli.installation.writing import STDOUT, AsJson, Force, Output
from treaty_cli.packages import packages
from treaty_contracts import ContractError, load

__all__ = ["Asked", "asking", "chosen"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options that every kind of file has, by their names: what it is for, and where it goes."""

    services: Services = field(default_factory=list)
    plugins: Patterns = None
    group: Groups = field(default_factory=list)
    image: Images = field(default_factory=list)
    slots: Slots = field(default_factory=list)
    registry: Registry = ""
    tag: Tag = ""
    folder: Folder = None
    output: Output = STDOUT
    force: Force = False
    as_json: AsJson = False


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """`command(asked, ...)` as a command that has the options of Asked before its own."""
    hints = get_type_hints(Asked, include_extras=True)
    shared = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default if one.default_factory is MISSING else one.default_factory(),
            annotation=hints[one.name],
        )
        for one in fields(Asked)
    ]
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    def run(**given: Any) -> None:
        command(Asked(**{one.name: given.pop(one.name) for one in fields(Asked)}), **given)

    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads the options from
        [*shared, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own)]
    )
    return run


def chosen(
    defined: Definitions, asked: Asked, *, own: Sequence[str] = (), external: frozenset[str] = frozenset()
) -> Selection:
    """Raises SelectionError for what is not there."""
    named = pairs("--group", asked.group)
    if SHIPPED in named:
        raise SelectionError("--group", f"what {SHIPPED!r} hosts is said by --plugins")
    if INGESTION in named:
        raise SelectionError("--group", f"{INGESTION!r} is a service: give the group another name")
    if asked.plugins is not None or not named:
        named = {SHIPPED: asked.plugins or "*", **named}
    kept = one_of("--services", asked.services, defined.parts)
    shipped = asked.folder or definitions.folder() / "plugins"
    added = {name: _packages(Path(path)) for name, path in pairs("--own", own).items()}
    of_groups = {name: matching("--image", image) for name, image in pairs("--image", asked.image).items()}
    found = groups(named, _packages(shipped) if shipped.is_dir() else None, added, of_groups)
    if WORKER not in kept:
        found = ()
    many = numbers(asked.slots, [*(group.name for group in found), INGESTION])
    return Selection(
        services=kept,
        groups=tuple(group.with_slots(many.get(group.name, 1)) for group in found),
        ingestion=many.get(INGESTION),
        external=external,
        registry=matching("--registry", asked.registry),
        tag=matching("--tag", asked.tag),
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

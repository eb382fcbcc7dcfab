"""A document to a file or stdout, the same bytes for the same choice."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
import yaml

__all__ = ["STDOUT", "AsJson", "Force", "Output", "folder_of", "write"]

STDOUT = Path("-")
Output: TypeAlias = Annotated[Path, typer.Option("--output", "-o", help="The file, or - for stdout.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write it as JSON, which is taken as well, without the notes.")
]


class _Plain(yaml.SafeDumper):
    """Every part written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _lines)


def folder_of(output: Path) -> Path:
    """Where the file will stand; the present folder for stdout."""
    return Path() if str(output) == "-" else output.parent


def write(
    document: dict[str, Any], notes: Iterable[str], output: Path, *, force: bool, as_json: bool
) -> None:
    """`notes` are lines of comment at the top of YAML. Exits 2 for a file that is there, unless `force`."""
    if as_json:
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        body = yaml.dump(document, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)
        lines = [line for note in notes for line in note.splitlines()]
        text = "".join(f"# {line}".rstrip() + "\n" for line in lines) + body
    if str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        with output.open("w" if force else "x") as file:
            file.write(text)
    except FileExistsError:
        raise typer.BadParameter(
            f"{output} is there; --force writes over it", param_hint="--output"
        ) from None
    except OSError as error:
        raise typer.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from error
    typer.echo(f"{output} is written", err=True)

"""`treaty bench`: the programs of tests/bench, by name."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from treaty_cli.options import Json
from treaty_cli.output import emit

__all__ = ["OPTIONS_OF_ITS_OWN", "bench_command", "benchmarks"]

FOLDER = Path("tests/bench")
OPTIONS_OF_ITS_OWN = {"allow_extra_args": True, "ignore_unknown_options": True}


def benchmarks(folder: Path = FOLDER) -> dict[str, Path]:
    """By name: every module there that is a program, private ones aside."""
    return {
        path.stem.replace("_", "-"): path
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith(("_", "test_", "conftest"))
    }


def _about(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def bench_command(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A benchmark; none lists them.")] = None,
    as_json: Json = False,
) -> None:
    """Run a benchmark; its numbers are one JSON object with --json. More options are the benchmark's own."""
    found = benchmarks()
    if name is None:
        emit(
            as_json,
            {key: _about(path) for key, path in found.items()},
            ("benchmark", "what it measures"),
            ((key, _about(path)) for key, path in found.items()),
        )
        return
    if name not in found:
        raise typer.BadParameter(f"no benchmark {name!r} in {FOLDER}: {', '.join(found) or 'there are none'}")
    command = [sys.executable, str(found[name]), *(["--json"] if as_json else []), *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)

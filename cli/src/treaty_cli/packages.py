"""Plugin packages on the command line: found in folders, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from treaty_cli.output import emit
from treaty_contracts import Verdict

__all__ = ["none_in", "packages", "say", "show"]


def packages(paths: Iterable[Path]) -> list[Path]:
    """The package folders among `paths` and directly below them, by name."""
    found: list[Path] = []
    for path in paths:
        if (path / "contract.yaml").exists() or not path.is_dir():
            found.append(path)
        else:
            found.extend(sorted(contract.parent for contract in path.glob("*/contract.yaml")))
    return found


def none_in(paths: Iterable[Path]) -> str:
    """What is said where `packages` found none."""
    return f"no plugin package in {', '.join(map(str, paths))}: a package is a folder with a contract.yaml"


def say(path: Path, verdict: Verdict) -> None:
    """A line a finding, in the form that editors and terminals make a link of."""
    for finding in (*verdict.findings, *verdict.host):
        place = f"{path}/{finding.place}" if finding.place else str(path)
        typer.echo(f"{place}: {finding.severity} {finding.code}: {finding.message}", err=True)
        for name in ("expected", "observed", "hint"):
            if text := getattr(finding, name):
                typer.echo(f"    {name}: {text}", err=True)


def show(plugins: list[dict[str, Any]], as_json: bool) -> None:
    """Governance's decisions, as a table or as JSON."""
    columns = ("plugin", "state", "plugin_version", "digest", "reason")
    emit(as_json, plugins, columns, ([p.get(name) for name in columns] for p in plugins))

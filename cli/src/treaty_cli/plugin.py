"""`treaty plugin`: judge packages, publish verdicts, quarantine and reinstate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from treaty_cli.api import Api
from treaty_cli.home import Home
from treaty_cli.lorawan.command import import_lorawan_command
from treaty_cli.options import Json
from treaty_cli.output import emit, print_json
from treaty_contracts import Verdict, check
from treaty_contracts.cli import exit_code

__all__ = ["app", "packages", "publish_verdict"]

app = typer.Typer(
    no_args_is_help=True, help="Judge plugins, publish their verdicts, quarantine and reinstate them."
)

app.command("import-lorawan")(import_lorawan_command)

Paths = Annotated[list[Path], typer.Argument(help="Package folders, or a folder of packages.", exists=True)]
Name = Annotated[str, typer.Argument(help="The plugin's name in its contract.")]


def packages(paths: Iterable[Path]) -> list[Path]:
    """The package folders among `paths` and directly below them, by name."""
    found: list[Path] = []
    for path in paths:
        if (path / "contract.yaml").exists() or not path.is_dir():
            found.append(path)
        else:
            found.extend(sorted(contract.parent for contract in path.glob("*/contract.yaml")))
    return found


def publish_verdict(api: Api, verdict: Verdict) -> dict[str, Any]:
    """Governance's decision of a verdict; the same verdict again gives the same decision."""
    decision: dict[str, Any] = api.post(f"/v1/plugins/{verdict.plugin}/verdicts", verdict.to_json())
    return decision


def _say(path: Path, verdict: Verdict) -> None:
    """A line each, in the form that editors and terminals make a link of."""
    for finding in (*verdict.findings, *verdict.host):
        place = f"{path}/{finding.place}" if finding.place else str(path)
        typer.echo(f"{place}: {finding.severity} {finding.code}: {finding.message}", err=True)
        for name in ("expected", "observed", "hint"):
            if text := getattr(finding, name):
                typer.echo(f"    {name}: {text}", err=True)


@app.command("check")
def check_command(paths: Paths, as_json: Json = False) -> None:
    """Judge packages by their contracts. Exits 0 when all are admitted, 1 refused, 2 contract error."""
    judged = [(path, check(path)) for path in packages(paths)]
    emit(
        as_json,
        [verdict.as_dict() for _, verdict in judged],
        ("verdict", "plugin", "version", "digest"),
        (
            ("admitted" if v.admitted_here else "refused", v.plugin or path, v.version, v.digest)
            for path, v in judged
        ),
    )
    for path, verdict in judged:
        _say(path, verdict)
    raise typer.Exit(max((exit_code(verdict) for _, verdict in judged), default=3))


@app.command()
def publish(context: typer.Context, paths: Paths, as_json: Json = False) -> None:
    """Judge packages and hand their verdicts to governance, which decides."""
    home: Home = context.obj
    judged = [(path, check(path)) for path in packages(paths)]
    for path, verdict in judged:
        if verdict.contract_error or not verdict.admitted:
            _say(path, verdict)
            raise typer.Exit(exit_code(verdict))
    with Api.named(home, "governance") as api:
        decisions = [publish_verdict(api, verdict) for _, verdict in judged]
    _show(decisions, as_json)


def _show(plugins: list[dict[str, Any]], as_json: bool) -> None:
    columns = ("plugin", "state", "plugin_version", "digest", "reason")
    emit(as_json, plugins, columns, ([p.get(name) for name in columns] for p in plugins))


@app.command("list")
def list_command(context: typer.Context, as_json: Json = False) -> None:
    """Every plugin governance knows, with its state."""
    with Api.named(context.obj, "governance") as api:
        _show(list(api.items("/v1/plugins")), as_json)


@app.command()
def quarantine(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    as_json: Json = False,
) -> None:
    """Pause a plugin. Its uplinks wait in its backlog; nothing is lost."""
    _change(context, f"/v1/plugins/{name}/quarantine", {"reason": reason}, as_json)


@app.command()
def reinstate(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a quarantined plugin go on where it stopped."""
    _change(context, f"/v1/plugins/{name}/reinstate", {}, as_json)


def _change(context: typer.Context, path: str, body: dict[str, str], as_json: bool) -> None:
    with Api.named(context.obj, "governance") as api:
        decision = api.post(path, body)
    if as_json:
        print_json(decision)
    else:
        _show([decision], False)

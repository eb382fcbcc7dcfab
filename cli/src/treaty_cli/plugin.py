"""`treaty plugin`: judge packages, publish verdicts, quarantine and reinstate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from treaty_cli.api import Api
from treaty_cli.lorawan.command import import_lorawan_command
from treaty_cli.options import Json
from treaty_cli.output import emit, print_json
from treaty_cli.packages import none_in, packages, say, show
from treaty_cli.publishing import publish
from treaty_contracts import check
from treaty_contracts.cli import exit_code

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Judge plugins, publish their verdicts, quarantine and reinstate them."
)

app.command("import-lorawan")(import_lorawan_command)
app.command("publish")(publish)

Paths = Annotated[list[Path], typer.Argument(help="Package folders, or a folder of packages.", exists=True)]
Name = Annotated[str, typer.Argument(help="The plugin's name in its contract.")]


@app.command("check")
def check_command(paths: Paths, as_json: Json = False) -> None:
    """Judge packages by their contracts. Exits 0 when all are admitted, 1 refused, 2 contract error."""
    judged = [(path, check(path)) for path in packages(paths)]
    if not judged:
        typer.echo(f"treaty: {none_in(paths)}", err=True)
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
        say(path, verdict)
    raise typer.Exit(max((exit_code(verdict) for _, verdict in judged), default=3))


@app.command("list")
def list_command(context: typer.Context, as_json: Json = False) -> None:
    """Every plugin governance knows, with its state."""
    with Api.named(context.obj, "governance") as api:
        show(list(api.items("/v1/plugins")), as_json)


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
        show([decision], False)

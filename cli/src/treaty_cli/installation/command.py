"""`treaty compose` and `treaty k8s values`: the files to install a choice of services and plugins from."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any, Literal

import typer

from treaty_cli.installation import definitions
from treaty_cli.installation.choosing import Asked, asking, chosen
from treaty_cli.installation.compose import compose
from treaty_cli.installation.elsewhere import wanted_files
from treaty_cli.installation.selection import BACKING, SelectionError, one_of
from treaty_cli.installation.values import Outside, secrets, unfit, values
from treaty_cli.installation.writing import folder_of, write

__all__ = ["app", "compose_command"]

app = typer.Typer(no_args_is_help=True, help="Files for Kubernetes.")


def _written_by() -> str:
    return f"Written by: {shlex.join(['treaty', *sys.argv[1:]])}"


def _refuse(error: SelectionError) -> typer.BadParameter:
    return typer.BadParameter(str(error), param_hint=error.option)


@asking
def compose_command(
    asked: Asked,
    own: Annotated[
        list[str],
        typer.Option(help="NAME=FOLDER: packages of your own that a group hosts too, mounted from there."),
    ] = [],  # noqa: B006
    external: Annotated[
        list[str], typer.Option(help=f"What is elsewhere, of {', '.join(BACKING)}; commas between them.")
    ] = [],  # noqa: B006
) -> None:
    """Write a compose file for a choice of services and plugins.

    It is the project's docker-compose.yml with what was not chosen left out, a service for each worker, and
    the places of what is elsewhere. Folders of secrets that have to be there first are named at its top.
    """
    defined = definitions.read()
    try:
        selection = chosen(
            defined,
            asked,
            own=own,
            external=one_of("--external", external, {n: n for n in BACKING}) if external else frozenset(),
        )
    except SelectionError as error:
        raise _refuse(error) from error
    document = compose(defined, selection, folder_of(asked.output))
    files = wanted_files(document)
    notes = [
        _written_by(),
        "For changes: a file given to docker compose after this one, or writing it again.",
    ]
    if files:
        notes.append("To be there before the first start, readable for user 10001:")
        notes += [f"  {place}/: {what}" for place, what in files.items()]
    write(document, notes, asked.output, force=asked.force, as_json=asked.as_json)


@app.command("values")
@asking
def values_command(
    asked: Asked,
    kafka: Annotated[str, typer.Option(help="host:port of the brokers, commas between them.")] = "",
    protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        typer.Option("--kafka-protocol", help="How the brokers are spoken to."),
    ] = "PLAINTEXT",
    mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        typer.Option("--kafka-mechanism", help="With SASL, how the password is proven."),
    ] = "SCRAM-SHA-512",
    ca: Annotated[
        bool, typer.Option("--kafka-ca", help="The brokers' certificates are of an authority of your own.")
    ] = False,
    issuer: Annotated[str, typer.Option(help="The `iss` of the tokens that are taken.")] = "",
    registry_url: Annotated[
        str, typer.Option(help="Where the device registry answers, where it is none of the services.")
    ] = "",
) -> None:
    """Write values for the chart, for a choice of services and plugins.

    They hold what differs from the chart's defaults and name the Secrets to be made, whose commands stand at
    the top. What helm will still ask for is told on stderr.
    """
    defined = definitions.read()
    outside = Outside(kafka, protocol, mechanism, ca, issuer, registry_url)
    try:
        selection = chosen(defined, asked)
    except SelectionError as error:
        raise _refuse(error) from error
    if ca and not protocol.endswith("SSL"):
        raise typer.BadParameter(f"{protocol} has no certificates", param_hint="--kafka-ca")
    document = values(defined, selection, outside)
    if refused := unfit(defined, document):
        raise typer.BadParameter("; ".join(refused))
    notes = [
        _written_by(),
        "Secrets, in the release's namespace:",
        *(f"  {s}" for s in secrets(defined, document)),
    ]
    write(document, notes, asked.output, force=asked.force, as_json=asked.as_json)
    for path, option in missing(document):
        typer.echo(f"{path} is to be set still: {option}", err=True)


def missing(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What the chart requires and has not been said, with the option that says it."""
    found = [] if document["kafka"]["bootstrapServers"] else [("kafka.bootstrapServers", "--kafka")]
    if document.get("tokens", {}).get("issuer") == "":
        found.append(("tokens.issuer", "--issuer"))
    return found

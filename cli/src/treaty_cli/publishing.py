"""`treaty plugin publish`: verdicts to governance, as they are or signed here or signed elsewhere."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from treaty_cli import credentials
from treaty_cli.api import Api, named_elsewhere
from treaty_cli.home import Home
from treaty_cli.options import Json
from treaty_cli.packages import none_in, packages, say, show
from treaty_contracts import Verdict, check, load
from treaty_contracts.attesting import attestation, sign
from treaty_contracts.attesting.envelope import ATTESTATION, VERDICT
from treaty_contracts.attesting.keys import private_key
from treaty_contracts.cli import exit_code
from treaty_contracts.environment import this_host

__all__ = ["Statement", "publish", "signing_key", "statements"]

_ROUTES = {VERDICT: "verdicts/signed", ATTESTATION: "attestations"}
_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")
_FAILURE = 3

Packages = Annotated[
    list[Path] | None,
    typer.Argument(help="Package folders, or a folder of packages.", exists=True, show_default=False),
]
Key = Annotated[
    Path | None,
    typer.Option(
        envvar="TREATY_VERDICT_KEY_FILE",
        help="An Ed25519 private key, PEM: sign each verdict, and attest it for this host. Where"
        " TREATY_VERDICT_SIGNATURES=require, the home's own unless another is named.",
    ),
]
Signed = Annotated[
    list[Path] | None,
    typer.Option(
        help="What `treaty-contracts sign` wrote, sent as it is, in place of folders. May be given again."
    ),
]


@dataclass(frozen=True, slots=True)
class Statement:
    """What governance is told of a plugin, and by which route of it."""

    plugin: str
    route: str
    body: bytes

    def send(self, api: Api) -> Any:
        """Governance's decision where this is a verdict. Raises ApiError."""
        return api.post(f"/v1/plugins/{self.plugin}/{self.route}", self.body)


def signing_key(home: Home, given: Path | None = None) -> Path | None:
    """The one to sign with for the platform of this home: the one named, else the home's own where the
    environment requires signatures, else none."""
    if given is not None or os.environ.get("TREATY_VERDICT_SIGNATURES") != "require":
        return given
    return credentials.ensure(home).publisher_key


def statements(judged: Iterable[tuple[Path, Verdict]], key: Path | None) -> list[Statement]:
    """What governance is told of packages and their verdicts: with a key, signed, and attested for this host.
    Raises OSError and ValueError for the key."""
    signer = None if key is None else private_key(key)
    found = []
    for path, verdict in judged:
        plugin = f"{verdict.plugin}"
        if signer is None:
            found.append(Statement(plugin, "verdicts", verdict.to_json()))
            continue
        here = attestation(verdict, this_host(), load(path))
        for kind, payload in ((VERDICT, verdict.to_json()), (ATTESTATION, here)):
            found.append(Statement(plugin, _ROUTES[kind], sign(kind, payload, signer).to_json()))
    return found


def publish(
    context: typer.Context,
    paths: Packages = None,
    key: Key = None,
    signed: Signed = None,
    as_json: Json = False,
) -> None:
    """Judge packages and hand their verdicts to governance, which decides."""
    if bool(paths) == bool(signed):
        raise typer.BadParameter("either folders or --signed FILE")
    if signed and key and not os.environ.get("TREATY_VERDICT_KEY_FILE"):
        raise typer.BadParameter("what --signed names is signed already", param_hint="--key")
    home: Home = context.obj
    if not signed and not named_elsewhere("governance"):
        key = signing_key(home, key)
    try:
        told = _read(signed) if signed else _sign(paths or (), key)
    except (OSError, ValueError) as error:
        typer.echo(f"treaty: {error}", err=True)
        raise typer.Exit(_FAILURE) from error
    with Api.named(home, "governance") as api:
        answers = [statement.send(api) for statement in told]
    show([answer for answer in answers if answer is not None], as_json)


def _sign(paths: Iterable[Path], key: Path | None) -> list[Statement]:
    """Raises OSError and ValueError for the key, and ValueError where there is no package."""
    if key is not None:
        # Before packages are judged, which takes longer.
        private_key(key)
    found = packages(paths)
    if not found:
        raise ValueError(none_in(paths))
    return statements(_judged(found), key)


def _judged(paths: Iterable[Path]) -> list[tuple[Path, Verdict]]:
    """Nothing is told of any where one is refused."""
    judged = [(path, check(path)) for path in paths]
    for path, verdict in judged:
        if verdict.contract_error or not verdict.admitted:
            say(path, verdict)
            raise typer.Exit(exit_code(verdict))
    return judged


def _read(files: Iterable[Path]) -> list[Statement]:
    """Verdicts first: governance keeps attestations of packages that it knows. Raises OSError, and ValueError
    where a file is no envelope of either."""
    return sorted((_envelope(file) for file in files), key=lambda one: one.route != _ROUTES[VERDICT])


def _envelope(file: Path) -> Statement:
    content = file.read_bytes()
    try:
        body = json.loads(content)
        route = _ROUTES[body["payloadType"]]
        plugin = json.loads(base64.b64decode(body["payload"], validate=True))["plugin"]
        if not _NAME.fullmatch(plugin):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{file} holds no signed verdict or attestation of a plugin") from None
    return Statement(plugin, route, content)

"""`treaty token`."""

from __future__ import annotations

import typer

from treaty_cli.api import token
from treaty_cli.options import Json
from treaty_cli.output import print_json

__all__ = ["token_command"]


def token_command(context: typer.Context, as_json: Json = False) -> None:
    """Print a fresh access token of the development client, for use in `$(treaty token)`."""
    found = token(context.obj)
    if as_json:
        print_json(found)
    else:
        print(found["access_token"])

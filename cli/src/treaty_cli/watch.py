"""`treaty watch`: readings as they arrive over the push gateway's WebSocket."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from treaty_cli.api import ApiError, token
from treaty_cli.home import Home
from treaty_cli.options import Json
from treaty_cli.output import print_json
from treaty_push_gateway.client import Filter, Readings, Stream, StreamError

__all__ = ["watch_command"]


def _line(reading: dict[str, Any]) -> str:
    values = [f"{m['name']}={m['value']:g} {m['unit']}" for m in reading["measurements"]]
    values += [f"{name}={value}" for name, value in reading["properties"].items()]
    return f"{reading['observed_at']}  {reading['model']:<24} {reading['device'][:8]}  {'  '.join(values)}"


async def _watch(home: Home, wanted: Filter, count: int | None, as_json: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    url = home.running().urls["push"].replace("http://", "ws://") + "/v1/stream"
    left = count
    async with Stream(url, lambda: str(token(home)["access_token"]), filter=wanted) as stream:
        async for message in stream:
            if not isinstance(message, Readings):
                continue
            for reading in message.readings[:left]:
                if as_json:
                    print_json(reading)
                else:
                    console.print(_line(reading), markup=False)
            if left is not None:
                left -= len(message.readings)
                if left <= 0:
                    return


def watch_command(
    context: typer.Context,
    device: Annotated[list[str] | None, typer.Option(help="Only these devices, by id.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only these device models.")] = None,
    workspace: Annotated[list[str] | None, typer.Option(help="Only these workspaces, by id.")] = None,
    count: Annotated[int | None, typer.Option(help="End after so many readings.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Print readings as they arrive; reconnects and resumes by itself."""
    wanted = Filter(tuple(workspace or ()), tuple(device or ()), tuple(model or ()))
    try:
        asyncio.run(_watch(context.obj, wanted, count, as_json))
    except StreamError as error:
        raise ApiError(0, str(error)) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None

"""`treaty outbox`: events of the registry and of governance that Kafka refuses."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer

from treaty_cli.api import Api
from treaty_cli.options import Json
from treaty_cli.output import emit
from treaty_cli.progress import Progress

__all__ = ["Service", "app"]

app = typer.Typer(
    no_args_is_help=True, help="Events that Kafka refuses: see them, send them again, discard them."
)


class Service(StrEnum):
    """Who has an outbox."""

    REGISTRY = "registry"
    GOVERNANCE = "governance"


_COLUMNS = ("service", "id", "state", "topic", "key", "event_type", "attempts", "waiting", "reason")


@app.command("list")
def list_command(context: typer.Context, as_json: Json = False) -> None:
    """What is refused and why. `retried` events are sent by themselves when Kafka takes them, `failed` ones
    wait for you; `waiting` is how many of the same key stay behind them."""
    found = []
    for service in Service:
        with Api.named(context.obj, service) as api:
            found += [{"service": service.value, **event} for event in api.items("/v1/outbox", limit=200)]
    emit(as_json, found, _COLUMNS, ([event.get(name) for name in _COLUMNS] for event in found))


@app.command("send")
def send_command(
    context: typer.Context,
    service: Annotated[Service | None, typer.Argument(help="Both without.", show_default=False)] = None,
    ids: Annotated[
        list[int] | None, typer.Argument(help="All that failed without.", show_default=False)
    ] = None,
) -> None:
    """Send failed events again, once what stood against them is put right."""
    asked = urlencode([("id", one) for one in ids or ()])
    for one in [service] if service else Service:
        with Api.named(context.obj, one) as api:
            answer = api.post(f"/v1/outbox/send-again{'?' if asked else ''}{asked}", {})
        Progress().step("outbox", f"{one}: {answer['enqueued']} on their way again")


@app.command("discard")
def discard_command(
    context: typer.Context,
    service: Annotated[Service, typer.Argument(help="Whose event it is.", show_default=False)],
    ids: Annotated[list[int], typer.Argument(help="As `treaty outbox list` shows them.")],
) -> None:
    """Forget failed events for ever; what waits behind them goes on."""
    with Api.named(context.obj, service) as api:
        for one in ids:
            api.delete(f"/v1/outbox/{one}")
            Progress().step("outbox", f"{service}: {one} is discarded")

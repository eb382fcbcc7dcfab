"""`treaty trace`: one uplink by its id, or a device's nearest uplinks."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer
from confluent_kafka import KafkaException
from rich.console import Console

from treaty_chassis.kafka.port import FatalError
from treaty_cli.api import ApiError
from treaty_cli.home import Home
from treaty_cli.options import Json
from treaty_cli.output import print_json
from treaty_cli.trace.following import Follower, UnknownUplinkError
from treaty_cli.trace.log import Log, SilentError
from treaty_cli.trace.nearest import nearest
from treaty_cli.trace.story import tell
from treaty_events.identity import EventId
from treaty_events.instants import epoch_ms
from treaty_normalization.client import GROUP

__all__ = ["trace_command"]

_HOUR_MS: Final = 3_600_000


def trace_command(
    context: typer.Context,
    uplink: Annotated[
        str | None, typer.Argument(help="An uplink's id: <topic's UUID>:<partition>:<offset>:<index>.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Instead of an id: a device's external id.")] = None,
    at: Annotated[
        str | None, typer.Option(help="With --device: about when, RFC 3339; now unless given.")
    ] = None,
    window: Annotated[float, typer.Option(help="With --device: minutes before and after.", min=0.01)] = 10,
    count: Annotated[int, typer.Option(help="With --device: so many, the nearest first.", min=1)] = 1,
    within: Annotated[
        float, typer.Option(help="Hours after a stage within which the next is looked for.", min=0.01)
    ] = 24,
    normalization_group: Annotated[
        str, typer.Option(envvar="TREATY_NORMALIZATION_GROUP", help="The workers' consumer group.")
    ] = GROUP,
    as_json: Json = False,
) -> None:
    """Tell where an uplink went, and why it did not arrive."""
    if (uplink is None) == (device is None):
        raise typer.BadParameter("expected an uplink's id, or --device")
    home: Home = context.obj
    try:
        with Log(home.running().bootstrap_servers) as log:
            if device is None:
                ids = [_id(uplink or "")]
            else:
                ids = nearest(log, device, _moment(at), int(window * 60_000), count)
                if not ids:
                    raise UnknownUplinkError(
                        f"no raw record of {device} within {window:g} minutes of {at or 'now'}: "
                        "it never reached Kafka, or is retained no more"
                    )
            follower = Follower(log, int(within * _HOUR_MS), normalization_group)
            traces = [follower.follow(id) for id in ids]
    except UnknownUplinkError as error:
        raise ApiError(404, str(error)) from error
    except (KafkaException, FatalError, SilentError) as error:
        raise ApiError(0, f"Kafka does not answer: {error}") from error
    if as_json:
        found = [trace.as_dict() for trace in traces]
        print_json(found[0] if device is None else found)
        return
    console = Console(highlight=False, soft_wrap=True)
    for number, trace in enumerate(traces):
        if number:
            console.print()
        tell(console, trace)


def _id(text: str) -> EventId:
    try:
        return EventId.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="UPLINK") from None


def _moment(text: str | None) -> int:
    if text is None:
        return time.time_ns() // 1_000_000
    try:
        return epoch_ms(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None

"""`treaty uplink send`: produce one uplink of the demo's fleet."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from treaty_cli.api import ApiError
from treaty_cli.demo import single
from treaty_cli.demo.seed import Seed, SeedDevice, load
from treaty_cli.home import Home
from treaty_cli.options import Json, Plugins
from treaty_cli.output import print_json
from treaty_events.fleet import Authentication

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Produce uplinks.")


def _device(seed: Seed, external_id: str | None) -> SeedDevice:
    """The one named, or the first whose gateway signs."""
    for device in seed.devices:
        signed = seed.gateway(device.gateway).authentication is Authentication.SIGNATURE
        if device.external_id == external_id or (external_id is None and signed):
            return device
    raise typer.BadParameter(f"the demo has no device {external_id!r}", param_hint="--device")


def _payload(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected hexadecimal digits: {error}", param_hint="--payload") from None


@app.command()
def send(
    context: typer.Context,
    device: Annotated[
        str | None, typer.Option(help="External id of a device of the demo; any whose gateway signs.")
    ] = None,
    payload: Annotated[
        str | None, typer.Option(help="Hexadecimal; a real one of the device's model.")
    ] = None,
    traced: Annotated[
        bool, typer.Option("--traced", help="Begin a trace with it, and print the trace's id.")
    ] = False,
    plugins: Plugins = Path("plugins"),
    as_json: Json = False,
) -> None:
    """Produce one uplink to Kafka and print its identity, which its readings carry too."""
    home: Home = context.obj
    bootstrap_servers = home.running().bootstrap_servers
    seed = load(home.demo)
    chosen = _device(seed, device)
    sending = single.sending(seed, chosen, plugins, _payload(payload))
    trace = secrets.token_hex(16) if traced else None
    if trace is not None:
        traceparent = f"00-{trace}-{secrets.token_hex(8)}-01"
        sending = replace(sending, headers=[*sending.headers, ("traceparent", traceparent.encode())])
    try:
        (uplink,) = single.produce(bootstrap_servers, [sending])
    except single.NotDeliveredError as error:
        raise ApiError(0, str(error)) from error
    slug = seed.gateway(chosen.gateway).slug
    if as_json:
        print_json(
            {
                "uplink": str(uplink),
                "device": chosen.id,
                "external_id": chosen.external_id,
                "gateway": slug,
                "topic": sending.topic,
                "partition": uplink.partition,
                "offset": uplink.offset,
            }
            | ({} if trace is None else {"trace": trace})
        )
    else:
        told = "" if trace is None else f", trace {trace}"
        print(f"{uplink}  from {chosen.external_id} through {slug}{told}")

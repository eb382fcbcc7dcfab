"""`treaty smoke`: one uplink through a platform that runs anywhere, read again over WebSocket."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import KafkaException

from treaty_cli.addresses import web_url
from treaty_cli.api import Api, ApiError, token
from treaty_cli.demo import single
from treaty_cli.demo.seed import SeedDevice, SeedGateway
from treaty_cli.demo.signatures import signed
from treaty_cli.demo.traffic import Kind, Sending
from treaty_cli.home import Home
from treaty_cli.options import Json
from treaty_cli.output import print_json
from treaty_events.fleet import Authentication
from treaty_events.networks import Network, native
from treaty_events.topics import RAW
from treaty_push_gateway.client import Filter, Readings, Stream, StreamError

__all__ = ["smoke_command"]

NAME: Final = "treaty-smoke"
AGAIN_S: Final = 5.0
"""A gateway or a secret that is new reaches ingestion a moment later; what it sent before was refused."""


@dataclass(frozen=True, slots=True)
class _Platform:
    """Where it answers, by the environment, else by the home that brought it up."""

    servers: str
    registry: str
    push: str
    bearer: str


def _platform(home: Home, token_file: Path | None) -> _Platform:
    names = ("KAFKA_BOOTSTRAP_SERVERS", "TREATY_REGISTRY_URL", "TREATY_PUSH_URL")
    servers, registry, push = (os.environ.get(name) for name in names)
    if servers and registry and push:
        if token_file is None:
            raise typer.BadParameter("a token of the platform is needed", param_hint="--token-file")
        registry, push = web_url(names[1], registry), web_url(names[2], push)
        return _Platform(servers, registry, push, token_file.read_text().strip())
    if registry or push:
        missing = [name for name in names if not os.environ.get(name)]
        raise typer.BadParameter(f"a platform elsewhere is named in part: {', '.join(missing)} is missing")
    running = home.running()
    bearer = token_file.read_text().strip() if token_file else str(token(home)["access_token"])
    return _Platform(running.bootstrap_servers, running.urls["registry"], running.urls["push"], bearer)


def _device(api: Api, model: str, plugin: str) -> tuple[SeedGateway, SeedDevice]:
    """One of its own, in a workspace of its own, there since the first time; the secret is new each time."""
    api.ensure("/v1/device-models", "id", {"id": model, "name": model, "plugin": plugin})
    workspace = api.ensure("/v1/workspaces", "name", {"name": NAME})["id"]
    base = f"/v1/workspaces/{workspace}"
    site = api.ensure(f"{base}/sites", "name", {"name": NAME})["id"]
    wanted = {"slug": NAME, "network": "native", "authentication": "signature", "site_id": site}
    gateway = api.ensure(f"{base}/gateways", "slug", wanted)
    secret = gateway.get("secret") or api.post(f"{base}/gateways/{gateway['id']}/secret", {})["secret"]
    external_id = f"{NAME}-{model.replace('/', '-')}"
    wanted = {"external_id": external_id, "gateway_id": gateway["id"], "model": model, "name": NAME}
    device = api.ensure(f"{base}/devices", "external_id", wanted)
    return (
        SeedGateway(gateway["id"], NAME, Network.NATIVE, Authentication.SIGNATURE, None, secret),
        SeedDevice(device["id"], external_id, model, gateway["id"], Network.NATIVE, ""),
    )


def _uplink(gateway: SeedGateway, device: SeedDevice, payload: bytes, f_port: int) -> Sending:
    now = time.time_ns() // 1_000_000
    counter = now // 1000 % 2**32
    wrapped = native.wrap(payload, external_id=device.external_id, at_ms=now, counter=counter, f_port=f_port)
    wrapped = signed(gateway, device, wrapped, now)
    return Sending(Kind.REGULAR, RAW, wrapped.key, wrapped.value, wrapped.headers)


async def _through(
    platform: _Platform, gateway: SeedGateway, device: SeedDevice, payload: bytes, f_port: int
) -> dict[str, Any]:
    """What became of the first uplink that arrived, and after how long."""
    url = platform.push.replace("http", "ws", 1) + "/v1/stream"
    sent: dict[str, float] = {}
    read: dict[str, tuple[float, dict[str, Any]]] = {}
    live, told = asyncio.Event(), asyncio.Event()

    async def send() -> None:
        await live.wait()
        while True:
            began = time.monotonic()
            uplink = _uplink(gateway, device, payload, f_port)
            (identity,) = await asyncio.to_thread(single.produce, platform.servers, [uplink])
            sent[str(identity)] = began
            told.set()
            await asyncio.sleep(AGAIN_S)

    async def receive() -> None:
        async with Stream(url, platform.bearer, filter=Filter(devices=(device.id,))) as stream:
            async for message in stream:
                live.set()
                for reading in message.readings if isinstance(message, Readings) else ():
                    read[reading["provenance"]["uplink"]] = time.monotonic(), reading
                    told.set()
        raise StreamError("ended", "the push gateway ended the stream")

    async def both() -> dict[str, Any]:
        """Which of the two is told first is chance."""
        while not (found := sent.keys() & read.keys()):
            await told.wait()
            told.clear()
        at, reading = read[uplink := min(found)]
        return {"uplink": uplink, "seconds": round(at - sent[uplink], 3), "reading": reading}

    tasks = {asyncio.create_task(send()), asyncio.create_task(receive())}
    wanted = asyncio.create_task(both())
    try:
        done, _ = await asyncio.wait(tasks | {wanted}, return_when=asyncio.FIRST_COMPLETED)
        for task in done & tasks:
            task.result()
        return wanted.result()
    finally:
        for task in tasks | {wanted}:
            task.cancel()


def smoke_command(
    context: typer.Context,
    model: Annotated[
        str, typer.Option(help="Model of the device that speaks; its plugin must be admitted.")
    ] = "milesight-iot/em300-th",
    plugin: Annotated[
        str, typer.Option(help="The plugin of that model, where the registry does not know the model yet.")
    ] = "milesight-em300",
    payload: Annotated[
        str, typer.Option(help="What it says, in hexadecimal digits.")
    ] = "01755c03673401046865",
    f_port: Annotated[int, typer.Option(min=0, max=255, help="The port it says it on.")] = 85,
    token_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, envvar="TREATY_TOKEN_FILE", help="A token that may do this."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the reading.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Send one uplink all the way and read it over WebSocket. Exits 1 where it does not arrive.

    KAFKA_BOOTSTRAP_SERVERS, TREATY_REGISTRY_URL and TREATY_PUSH_URL name a platform that runs elsewhere.
    """
    try:
        said = bytes.fromhex(payload)
    except ValueError as error:
        raise typer.BadParameter(f"expected hexadecimal digits: {error}", param_hint="--payload") from None
    platform = _platform(context.obj, token_file)
    with Api.at(platform.registry, platform.bearer) as api:
        gateway, device = _device(api, model, plugin)
    try:
        found = asyncio.run(asyncio.wait_for(_through(platform, gateway, device, said, f_port), timeout))
    except TimeoutError:
        raise ApiError(0, f"no reading of {device.external_id} within {timeout:g} s") from None
    except (single.NotDeliveredError, StreamError, KafkaException) as error:
        raise ApiError(0, str(error)) from error
    if as_json:
        print_json(found)
        return
    values = ", ".join(f"{m['name']} {m['value']:g} {m['unit']}" for m in found["reading"]["measurements"])
    print(f"{found['uplink']} arrived after {found['seconds']} s: {values}")

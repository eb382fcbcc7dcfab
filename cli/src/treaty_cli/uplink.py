"""`treaty uplink send`: produce one uplink of the demo's fleet, wrapped and signed as its gateway would."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_cli.api import ApiError
from treaty_cli.demo import corpora
from treaty_cli.demo.corpora import Case
from treaty_cli.demo.seed import Seed, SeedDevice, load
from treaty_cli.demo.traffic import WRAP, Sending, Traffic
from treaty_cli.home import Home
from treaty_cli.options import Json, Plugins
from treaty_cli.output import print_json
from treaty_events.fleet import Authentication
from treaty_events.identity import EventId
from treaty_events.networks import Network

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Produce uplinks.")

_DELIVERED_S = 30.0
_REACHED_S = 5.0


def _device(seed: Seed, external_id: str | None) -> SeedDevice:
    """The one named, or the first whose gateway signs."""
    for device in seed.devices:
        signed = seed.gateway(device.gateway).authentication is Authentication.SIGNATURE
        if device.external_id == external_id or (external_id is None and signed):
            return device
    raise typer.BadParameter(f"the demo has no device {external_id!r}", param_hint="--device")


def _with_payload(case: Case, network: Network, payload: bytes) -> Case:
    if network not in WRAP:
        return replace(case, payload=payload)
    wrapped = WRAP[network](case.message, external_id="0" * 16, at_ms=0, counter=0, dedup_id="", data=payload)
    return replace(case, payload=payload, message=json.loads(wrapped.value))


def _payload(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected hexadecimal digits: {error}", param_hint="--payload") from None


def _sending(seed: Seed, device: SeedDevice, plugins: Path, payload: bytes | None) -> Sending:
    corpus = corpora.load({device.corpus}, plugins)[device.corpus]
    if payload is not None:
        corpus = replace(corpus, cases=(_with_payload(corpus.cases[0], device.network, payload),))
    alone = replace(seed, devices=(device,), unknown=())
    return Traffic(alone, {device.corpus: corpus}, SystemRandom()).next(time.time_ns() // 1_000_000)


def _produce(bootstrap_servers: str, sending: Sending) -> tuple[int, int]:
    """Partition and offset."""
    outcome: list[tuple[KafkaError | None, Message]] = []
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "log_level": 0})
    try:
        producer.list_topics(timeout=_REACHED_S)
    except KafkaException as error:
        raise ApiError(0, f"Kafka at {bootstrap_servers} does not answer: is the platform up?") from error
    producer.produce(
        sending.topic,
        key=sending.key,
        value=sending.value,
        headers=list(sending.headers),
        on_delivery=lambda error, message: outcome.append((error, message)),
    )
    producer.flush(_DELIVERED_S)
    if not outcome or outcome[0][0] is not None:
        reason = outcome[0][0].str() if outcome and outcome[0][0] else f"no answer in {_DELIVERED_S:.0f} s"
        raise ApiError(0, f"not delivered to {sending.topic} on {bootstrap_servers}: {reason}")
    message = outcome[0][1]
    return message.partition() or 0, message.offset() or 0


@app.command()
def send(
    context: typer.Context,
    device: Annotated[
        str | None, typer.Option(help="External id of a device of the demo; any whose gateway signs.")
    ] = None,
    payload: Annotated[
        str | None, typer.Option(help="Hexadecimal; a real one of the device's model.")
    ] = None,
    plugins: Plugins = Path("plugins"),
    as_json: Json = False,
) -> None:
    """Produce one uplink to Kafka and print its identity, which its readings carry too."""
    home: Home = context.obj
    seed = load(home.demo)
    chosen = _device(seed, device)
    sending = _sending(seed, chosen, plugins, _payload(payload))
    bootstrap_servers = home.running().bootstrap_servers
    partition, offset = _produce(bootstrap_servers, sending)
    topic_id = topic_ids(admin(bootstrap_servers), [sending.topic])[sending.topic]
    uplink = str(EventId(topic_id, partition, offset))
    if as_json:
        print_json(
            {
                "uplink": uplink,
                "device": chosen.id,
                "external_id": chosen.external_id,
                "gateway": seed.gateway(chosen.gateway).slug,
                "topic": sending.topic,
                "partition": partition,
                "offset": offset,
            }
        )
    else:
        print(f"{uplink}  from {chosen.external_id} through {seed.gateway(chosen.gateway).slug}")

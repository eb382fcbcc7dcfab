"""Wires ingestion: views of the registry's and governance's changes, the step, the runner, the probes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.follower import Follower
from treaty_chassis.kafka.port import FatalError
from treaty_chassis.kafka.runner import ExitCode, Runner
from treaty_chassis.kafka.spans import spans_of
from treaty_chassis.kafka.topics import admin, apply, topic_ids
from treaty_chassis.kafka.view import Changed, CompactedView, ViewMeasures
from treaty_chassis.kafka.work import Assigned, History, Output, PureWork, Record, Work
from treaty_chassis.probes import Probes
from treaty_chassis.sealing import SealError, SealingKey, unseal
from treaty_chassis.starting import started
from treaty_chassis.tracing.environment import TracingError
from treaty_chassis.tracing.setup import close, start
from treaty_events import codec
from treaty_events.decisions import ContractDecided
from treaty_events.fleet import DeviceChanged, GatewayChanged
from treaty_events.headers import VERSION
from treaty_events.topics import (
    CONTRACT_DECIDED,
    DEVICE_CHANGED,
    GATEWAY_CHANGED,
    RAW,
    REPLAY,
    spec_of,
    standing_topics,
)
from treaty_events.uplinks import Refusal
from treaty_ingestion.authentication import claimed_gateway
from treaty_ingestion.directory import Directory
from treaty_ingestion.measures import Measures
from treaty_ingestion.patience import Patient
from treaty_ingestion.settings import Settings
from treaty_ingestion.step import State, refuse, step

__all__ = ["main"]

V = TypeVar("V")
log = structlog.get_logger(__name__)
GROUP: Final = "treaty-ingestion"
_UNSPECIFIED: Final = 1 << 20
SUBSCRIPTION: Final = (RAW, r"^uplink\.raw\.[a-z][a-z0-9-]*\.v1$", REPLAY)


def main() -> int:
    """Until SIGTERM, SIGINT or an error only a new process can help; the process's exit code."""
    return started("ingestion", Settings, _run, SealError, TracingError)


def _run(settings: Settings) -> int:
    tracing = start("ingestion")
    directory = Directory(partial(unseal, SealingKey.parse(settings.sealing_key.get_secret_value())))
    servers = settings.kafka_bootstrap_servers
    kafka_admin = admin(servers)
    ids: dict[str, UUID] = {}
    runner = Runner(
        ConfluentClient(servers, GROUP, settings.slot, settings.delivery),
        work(State(directory, ids), Measures(), partial(_learn_ids, kafka_admin, ids)),
        max_message,
        spans=spans_of(tracing, GROUP, settings.slot),
    )
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        runner.stop()

    def fail(detail: str) -> None:
        runner.fail(detail)
        stopping.set()

    follower = Follower(
        servers, f"{GROUP}-{settings.slot}", views(directory, ViewMeasures()), on_failure=fail
    )
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    checks = {"views": follower.check, "secrets": directory.check, "runner": runner.check}
    probes = Probes(settings.http_host, settings.http_port, checks).start()
    log.info("probes", host=settings.http_host, port=probes.port)
    try:
        apply(kafka_admin, standing_topics())
        follower.start()
        # Before everything is known that was said, a known gateway would be refused as unknown.
        while not stopping.is_set() and not follower.wait(0.1):
            pass
        runner.subscribe(SUBSCRIPTION)
        return runner.run()
    except KafkaException as error:
        log.error("Kafka does not answer", bootstrap_servers=servers, detail=str(error))
        return ExitCode.FATAL
    finally:
        follower.close()
        probes.close()
        close(tracing)


def views(directory: Directory, measures: ViewMeasures) -> list[CompactedView[Any]]:
    """What was said of gateways, devices and plugins, each change passed on to the directory."""

    def view(topic: str, kind: type[V], change: Changed[V]) -> CompactedView[V]:
        decode = partial(codec.decode, kind)
        return CompactedView(topic, decode, version_header=VERSION, on_change=change, measures=measures)

    return [
        view(GATEWAY_CHANGED, GatewayChanged, directory.gateway_changed),
        view(DEVICE_CHANGED, DeviceChanged, directory.device_changed),
        view(CONTRACT_DECIDED, ContractDecided, directory.decision_changed),
    ]


def work(state: State, measures: Measures, learn: Callable[[Collection[str]], None]) -> Work:
    """The step as the runner takes it, counted. `learn` adds the UUIDs of topics to the state's."""

    def counted(
        state: State, batch: Sequence[Record], now_ms: int
    ) -> tuple[State, Sequence[Sequence[Output]]]:
        # Of a topic that was made again since it was assigned.
        unheard = {record.topic for record in batch} - state.topic_ids.keys()
        if unheard:
            learn(unheard)
        state, outputs = step(state, batch, now_ms)
        measures.count(outputs)
        return state, outputs

    def dead_letter(record: Record, reason: str, detail: str) -> Output:
        too_large = reason == "output_too_large"
        return refuse(state, record, Refusal.TOO_LARGE if too_large else Refusal.UNPROCESSABLE, detail)

    def assigned(partitions: Sequence[Assigned], history: History) -> None:
        # Asked anew each time: a topic that was made again under its name has another UUID.
        learn({partition.topic for partition, _ in partitions})

    def early(record: Record) -> bool:
        slug = None if record.topic == REPLAY else claimed_gateway(record)
        return slug is not None and state.directory.gateway_by_slug(slug) is None

    judging = PureWork(counted, lambda: state, dead_letter, assigned)
    return Patient(judging, early, lambda topic: topic == RAW)


def max_message(topic: str) -> int:
    """The most bytes a record of the topic may have."""
    spec = spec_of(topic)
    return _UNSPECIFIED if spec is None else spec.max_message


def _learn_ids(kafka: AdminClient, ids: dict[str, UUID], topics: Collection[str]) -> None:
    try:
        found = topic_ids(kafka, sorted(topics))
    except KafkaException as error:
        raise FatalError(f"topics could not be described: {error}") from error
    for gone in set(topics) - found.keys():
        # A static member that comes back is given what it had, topics deleted meanwhile among it.
        log.warning("assigned, and gone", topic=gone)
        ids.pop(gone, None)
    ids |= found

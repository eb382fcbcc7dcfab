"""More processes: each takes its share of the partitions, and each record still has one outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from treaty_embedded.stack import broker
from treaty_events import topics
from treaty_events.envelope import Envelope
from treaty_events.fleet import Authentication
from treaty_ingestion.app import GROUP

from .deployed import ACCEPTED, Ingestion, World, wait_for
from .fleet import CHIRPSTACK_HEADERS, up


def shares(world: World) -> dict[str, int]:
    """How many partitions each slot has, by the coordinator's account."""
    return {name: len(places) for name, places in world.members(GROUP).items()}


@pytest.mark.timeout(900)
def test_a_second_process_takes_half_of_the_partitions_under_load_and_every_uplink_is_accepted_once(
    tmp_path: Path,
) -> None:
    with broker(tmp_path / "kafka") as kafka:
        world = World(kafka.bootstrap_servers)
        world.create(*topics.standing_topics())
        world.admit()
        gateways = [world.gateway(Authentication.TOPIC, "acme") for _ in range(6)]
        devices = [world.device(gateway, f"70b3d57ba00000{n:02x}") for n, gateway in enumerate(gateways)]
        processes = [Ingestion(world.servers, tmp_path / "0.log", TREATY_SLOT="0")]
        sent = 0

        def send() -> None:
            nonlocal sent
            for gateway, device in zip(gateways, devices, strict=True):
                world.produce(gateway.topic or "", up(device.external_id), str(sent), CHIRPSTACK_HEADERS)
                sent += 1

        def shared() -> bool:
            send()
            held = sorted(shares(world).values())
            return len(held) == 2 and held[1] - held[0] <= 1

        try:
            processes[0].wait_ready()
            wait_for(lambda: sum(shares(world).values()) >= 6, "the first process to have every topic")
            send()
            processes.append(Ingestion(world.servers, tmp_path / "1.log", TREATY_SLOT="1"))
            wait_for(shared, "even shares")
            for _ in range(10):
                send()
            wait_for(lambda: len(world.read(ACCEPTED)) >= sent, "every uplink")
            ids = [Envelope.of(r.headers).id for r in world.read(ACCEPTED)]
            assert len(ids) == len(set(ids)) == sent
            counted = 'treaty_ingestion_uplinks_total{outcome="accepted",reason=""}'
            for process in processes:
                wait_for(lambda p=process: counted in p.get("/metrics")[1], "each to have done a part of it")
        finally:
            for process in processes:
                process.process.kill()
                process.process.wait()

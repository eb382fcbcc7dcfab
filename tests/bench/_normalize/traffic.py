"""The input: uplinks as ingestion accepts them, with the catalogue's full Decentlab payloads."""

from __future__ import annotations

import json
from itertools import count, islice
from pathlib import Path
from uuid import UUID, uuid5

from confluent_kafka import Producer

from treaty_events.codec import encode
from treaty_events.envelope import Envelope
from treaty_events.networks import NetworkUplink, unwrap
from treaty_events.uplinks import UplinkAccepted

__all__ = ["DEVICES", "VECTORS", "fill", "uplinks"]

VECTORS = Path(__file__).parents[3] / "plugins" / "decentlab" / "vectors" / "uplinks"
DEVICES = 1000
_BEGAN_MS = 1_767_323_045_700
_SPACE = UUID("6a1f3c52-0000-4000-8000-000000000001")


def _real() -> list[tuple[str, NetworkUplink]]:
    """Each model's whole payload as ChirpStack delivered it: 27 bytes of a DL-IAM, 33 of a DL-PM."""
    found = []
    for model in ("dl-iam", "dl-pm"):
        case = json.loads((VECTORS / f"decentlab-{model}.chirpstack.json").read_text())["cases"][0]
        uplink = unwrap("chirpstack", json.dumps(case["payload"]).encode(), [("event", b"up")])
        assert isinstance(uplink, NetworkUplink)
        found.append((f"decentlab/{model}", uplink))
    return found


def uplinks(number: int) -> list[tuple[bytes, bytes, list[tuple[str, bytes | None]]]]:
    """Keys, values and headers of so many accepted uplinks of a thousand devices, none a repeat."""
    real = _real()
    devices = [str(uuid5(_SPACE, f"device {i}")) for i in range(DEVICES)]
    sites = [str(uuid5(_SPACE, f"site {i}")) for i in range(20)]
    workspace, gateway = str(uuid5(_SPACE, "workspace")), str(uuid5(_SPACE, "gateway"))
    found = []
    for i in islice(count(), number):
        model, uplink = real[i % 2]
        device = devices[i % DEVICES]
        received_at = _BEGAN_MS + i * 3
        body = UplinkAccepted(
            device=device,
            workspace=workspace,
            site=sites[i % 20],
            gateway=gateway,
            model=model,
            network="chirpstack",
            external_id=f"70b3d57ba{i % DEVICES:07x}",
            received_at=received_at,
            payload=uplink.payload,
            content_type=uplink.content_type,
            f_port=uplink.f_port,
            observed_at=received_at - 180,
            dedup_id=str(uuid5(_SPACE, str(i))),
            session=uplink.session,
            counter=i // DEVICES,
            link=uplink.link,
            late_after_ms=600_000,
        )
        headers = Envelope(f"{_SPACE}:0:{i}:0", "/treaty/ingestion", UplinkAccepted.TYPE).headers()
        found.append((device.encode(), encode(body), headers))
    return found


def fill(servers: str, topic: str, number: int) -> dict[str, float]:
    """Produces them; what they weigh."""
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 20, "queue.buffering.max.messages": 10**6}
    )
    size = 0
    for key, value, headers in uplinks(number):
        producer.produce(topic, value, key, partition=0, headers=headers)
        size += len(value)
    if producer.flush(120):
        raise RuntimeError("the input did not reach the broker")
    return {"events": number, "value_bytes": round(size / number)}

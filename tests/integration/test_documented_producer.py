"""The producer in docs/protocols/ingestion.md, as it stands there, gets its uplink through."""

import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.topics import admin, apply
from treaty_chassis.kafka.work import Record
from treaty_embedded.settling import settle
from treaty_events.fleet import Authentication, GatewayChanged, Lifecycle
from treaty_events.networks import NetworkUplink, unwrap
from treaty_events.topics import RAW, topic
from treaty_ingestion.authentication import authenticate
from treaty_ingestion.directory import Directory

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/protocols/ingestion.md").read_text("utf-8")
SECRET = "the secret shown once"


def read(bootstrap_servers: str, device: str, within_s: float = 180) -> Record:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(RAW, number, 0) for number in range(4)])
    stop = time.monotonic() + within_s
    try:
        while time.monotonic() < stop:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None and message.key() == device.encode():
                return record_of(message)
    finally:
        consumer.close()
    raise AssertionError(f"no record of {device}")


def test_the_documented_producer_is_believed_and_understood(kafka: Any) -> None:
    apply(admin(kafka.bootstrap_servers), [topic(RAW)])
    settle(kafka.bootstrap_servers, [RAW])
    device = f"pump-{uuid.uuid4().hex[:8]}"
    (program,) = re.findall(r"```python\n(import hashlib.*?)```", PAGE, re.DOTALL)
    for written, meant in (("localhost:9092", kafka.bootstrap_servers), ("pump-7", device)):
        assert written in program
        program = program.replace(written, meant)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=180)

    record = read(kafka.bootstrap_servers, device)
    directory = Directory(lambda sealed, about: SECRET.encode())
    gateway = GatewayChanged(
        gateway="g",
        slug="acme-edge",
        workspace="w",
        site="s",
        network="native",
        authentication=Authentication.SIGNATURE,
        lifecycle=Lifecycle.ACTIVE,
        version=1,
        sealed_secret="sealed",
    )
    directory.gateway_changed("g", None, gateway)
    assert authenticate(directory, record).gateway == gateway
    uplink = unwrap("native", record.value or b"", record.headers)
    assert isinstance(uplink, NetworkUplink)
    assert (uplink.external_id, uplink.payload) == (device, b'{"t": 21.5}')
    assert uplink.content_type == "application/json"
    assert abs((uplink.observed_at or 0) - record.timestamp_ms) < 60_000

"""The same job as FastStream handlers with pydantic models, as its documentation shows them, on aiokafka.

Kinds: single (a message at a time, a publisher's decorator), workers (the same, sixteen at once), batch
(lists in, a batch out, acknowledged after the handler: at least once). In all of them the decoder is called
as a function, and names, units and plausible ranges are the contract's, made ready as the worker makes them.
There is neither a sandbox nor deduplication.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cost import Marks
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaPublishMessage, KafkaResponse
from pydantic import BaseModel, BeforeValidator

from treaty import Reading, Uplink
from treaty_contracts import load
from treaty_normalization.promises import Promises, ViolationError

DECENTLAB = Path(__file__).parents[3] / "plugins" / "decentlab"
BATCH = 2000
WORKERS = 16
DIGEST = "sha256:" + "a" * 64


class RadioGateway(BaseModel):
    id: str
    rssi: float | None = None
    snr: float | None = None


class Link(BaseModel):
    rssi: float | None = None
    snr: float | None = None
    spreading_factor: int | None = None
    frequency: int | None = None
    bandwidth: int | None = None
    radio_gateways: list[RadioGateway] = []


class Accepted(BaseModel):
    device: str
    workspace: str
    site: str
    gateway: str
    model: str
    network: str
    external_id: str
    received_at: int
    payload: Annotated[bytes, BeforeValidator(base64.b64decode)]
    content_type: str = "application/octet-stream"
    f_port: int | None = None
    observed_at: int | None = None
    dedup_id: str | None = None
    session: str | None = None
    counter: int | None = None
    link: Link | None = None
    late_after_ms: int | None = None


class Measurement(BaseModel):
    name: str
    value: float
    unit: str
    quality: str


class Provenance(BaseModel):
    plugin: str
    version: str
    digest: str
    uplink: str


class Normalized(BaseModel):
    device: str
    workspace: str
    site: str
    gateway: str
    model: str
    observed_at: str
    ordered_at: str
    received_at: str
    measurements: list[Measurement]
    properties: dict[str, bool | int | float | str]
    provenance: Provenance
    link: Link | None


def text(moment: int) -> str:
    return (
        datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class Job:
    """From an accepted uplink to its readings."""

    def __init__(self) -> None:
        names: dict[str, Any] = {"__name__": "decoder"}
        exec(compile((DECENTLAB / "decoder.py").read_bytes(), "decoder.py", "exec"), names)
        self.decode = names["decode"]
        self.promises = Promises(load(DECENTLAB))

    def __call__(self, uplink: Accepted, id: str) -> list[Normalized]:
        received = datetime.fromtimestamp(uplink.received_at / 1000, UTC)
        given = Uplink(uplink.payload, uplink.f_port, uplink.model, uplink.content_type, received)
        return [self._normalized(uplink, reading, id) for reading in self.decode(given)]

    def _normalized(self, uplink: Accepted, reading: Reading, id: str) -> Normalized:
        observed = uplink.observed_at if uplink.observed_at is not None else uplink.received_at
        late = uplink.late_after_ms is not None and uplink.received_at - observed > uplink.late_after_ms
        observed_at = text(observed)
        measurements = []
        for name, value in reading.measurements.items():
            promise = self.promises.measurements.get(name)
            if promise is None:
                raise ViolationError(f"measurement {name!r} is not declared")
            canonical = value * promise.factor / promise.divisor + promise.offset
            plausible = promise.low <= canonical <= promise.high
            quality = "suspect" if not plausible else "late" if late else "good"
            measurements.append({"name": name, "value": canonical, "unit": promise.unit, "quality": quality})
        for name in reading.properties:
            if name not in self.promises.properties:
                raise ViolationError(f"property {name!r} is not declared")
        # One validation a reading, what is inside it included: a model a measurement costs twice as much.
        return Normalized(
            device=uplink.device,
            workspace=uplink.workspace,
            site=uplink.site,
            gateway=uplink.gateway,
            model=uplink.model,
            observed_at=observed_at,
            ordered_at=observed_at,
            received_at=text(uplink.received_at),
            measurements=measurements,
            properties=dict(reading.properties),
            provenance={"plugin": "decentlab", "version": "1.0.0", "digest": DIGEST, "uplink": id},
            link=uplink.link,
        )


def main() -> None:
    servers, topic, out, kind, group, first, last = sys.argv[1:]
    marks, job = Marks(int(first), int(last)), Job()
    # A batch has to fit into one of aiokafka's.
    broker = KafkaBroker(servers, max_batch_size=16 << 20, max_request_size=17 << 20)
    app = FastStream(broker, logger=None)
    logging.disable(logging.ERROR)

    def done(events: int) -> None:
        if marks.done(events):
            app.exit()

    if kind == "batch":

        @broker.publisher(out, batch=True)
        @broker.subscriber(
            topic,
            batch=True,
            max_records=BATCH,
            group_id=group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.ACK,
        )
        async def batches(uplinks: list[Accepted], message: KafkaMessage) -> list[KafkaPublishMessage]:
            found = [
                KafkaPublishMessage(reading, key=uplink.device.encode())
                for uplink, headers in zip(uplinks, message.batch_headers, strict=True)
                for reading in job(uplink, headers["ce_id"])
            ]
            done(len(uplinks))
            return found

    else:
        more: dict[str, Any] = {"max_workers": WORKERS} if kind == "workers" else {}

        @broker.publisher(out)
        @broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", **more)
        async def single(uplink: Accepted, message: KafkaMessage) -> KafkaResponse:
            id = message.headers["ce_id"]
            (reading,) = job(uplink, id)
            done(1)
            return KafkaResponse(reading, key=uplink.device.encode(), headers={"ce_id": id})

    asyncio.run(app.run())


if __name__ == "__main__":
    main()

"""A platform that does everything right, in memory: what the reconciler is to find nothing wrong with."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec
import yaml

from treaty import DecodeError, Uplink
from treaty.quantities import conversion, quantity
from treaty_chassis.kafka.work import Record
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.journal import Delivery
from treaty_cli.demo.reconciliation import Account
from treaty_cli.demo.seed import Seed, SeedDevice
from treaty_cli.demo.traffic import Kind, Sending
from treaty_events import codec
from treaty_events.deadletter import DEADLETTERED, REFUSED, Failure, Origin, reason_headers
from treaty_events.envelope import Envelope
from treaty_events.headers import header
from treaty_events.identity import EventId
from treaty_events.instants import rfc3339
from treaty_events.networks import NetworkEvent, NetworkUplink, unwrap
from treaty_events.readings import Measurement, Provenance, ReadingNormalized
from treaty_events.uplinks import NetworkReported, UplinkAccepted

NAMESPACE = UUID("44444444-0000-4000-8000-000000000000")
HOP_MS = 9


def decoder(plugin: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"honest_{plugin.name}", plugin / "decoder.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Honest:
    """Takes what the simulator sends; `account` is then what the topics and the subscriber's journal hold."""

    seed: Seed
    corpora: dict[str, Corpus]
    account: Account = field(init=False)
    kinds: dict[EventId, Kind] = field(default_factory=dict)
    topic_ids: dict[str, UUID] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    """Where each raw topic's records begin."""

    def __post_init__(self) -> None:
        self.account = Account({})
        for name in ("raw", "accepted", "readings", "refused", "dead_letters", "reported", "deliveries"):
            setattr(self.account, name, [])
        self._ids = dict(self.topic_ids)
        self._seen: set[tuple[object, ...]] = set()
        self._devices = {d.external_id: d for d in self.seed.devices}
        self._decoders = {c.plugin: decoder(c.plugin) for c in self.corpora.values() if c.plugin}
        self._emits = {
            c.plugin: yaml.safe_load((c.plugin / "contract.yaml").read_text())["emits"]["measurements"]
            for c in self.corpora.values()
            if c.plugin
        }

    def take(self, sending: Sending, at_ms: int) -> EventId:
        """As appended by the broker at that time."""
        topic_id = self._ids.setdefault(sending.topic, uuid5(NAMESPACE, sending.topic))
        self.account.topic_ids = self._ids
        raw = Record(
            sending.topic,
            0,
            self.first.get(sending.topic, 0) + sum(r.topic == sending.topic for r in self.account.raw),
            at_ms,
            sending.key,
            sending.value,
            tuple(sending.headers),
        )
        self._list("raw").append(raw)
        id = EventId(topic_id, 0, raw.offset)
        self.kinds[id] = sending.kind
        self._ingest(raw, id, sending)
        return id

    def _list(self, name: str) -> list[Any]:
        found: list[Any] = getattr(self.account, name)
        return found

    def _put(self, name: str, topic: str, key: bytes | None, value: bytes | None, headers: Any) -> None:
        into = self._list(name)
        into.append(Record(topic, 0, len(into), 0, key, value, tuple(headers)))

    def _ingest(self, raw: Record, id: EventId, sending: Sending) -> None:
        slug = (header(raw.headers, "treaty-gateway") or b"").decode()
        gateway = next((g for g in self.seed.gateways if g.topic == raw.topic), None) or self.seed.gateway(
            slug
        )
        if sending.kind is Kind.FORGED:
            self._refuse(raw, id, "bad_signature")
            return
        found = unwrap(gateway.network, raw.value or b"", raw.headers)
        if isinstance(found, NetworkEvent):
            event = NetworkReported(found.kind, self.seed.workspace, gateway.id, gateway.network, 0)
            headers = Envelope(str(id), "/treaty/ingestion", event.TYPE).headers()
            self._put("reported", "network.reported.v1", raw.key, codec.encode(event), headers)
            return
        device = self._devices.get(found.external_id)
        if device is None:
            self._refuse(raw, id, "unknown_device")
            return
        accepted = UplinkAccepted(
            device=device.id,
            workspace=self.seed.workspace,
            site="s",
            gateway=gateway.id,
            model=device.model,
            network=gateway.network,
            external_id=found.external_id,
            received_at=raw.timestamp_ms,
            payload=found.payload,
            f_port=found.f_port,
            observed_at=found.observed_at,
            dedup_id=found.dedup_id,
            session=found.session,
            counter=found.counter,
            link=found.link,
        )
        headers = Envelope(str(id), "/treaty/ingestion", accepted.TYPE).headers()
        self._put("accepted", "uplink.accepted.demo.v1", device.id.encode(), codec.encode(accepted), headers)
        self._work(accepted, id, device, found, headers)

    def _refuse(self, raw: Record, id: EventId, reason: str) -> None:
        headers = reason_headers(
            raw.headers,
            type=REFUSED,
            source="/treaty/ingestion",
            id=id,
            origin=Origin(raw.topic, raw.partition, raw.offset),
            failure=Failure(reason, reason, "ingest"),
        )
        self._put("refused", "uplink.refused.v1", raw.key, raw.value, headers)

    def _work(
        self, accepted: UplinkAccepted, id: EventId, device: SeedDevice, uplink: NetworkUplink, headers: Any
    ) -> None:
        repeat = (device.id, uplink.dedup_id or (uplink.session, uplink.counter))
        if repeat in self._seen:
            return
        self._seen.add(repeat)
        corpus = self.corpora[device.corpus]
        assert corpus.plugin is not None
        received = datetime.fromtimestamp(accepted.received_at / 1000, UTC)
        try:
            decoded = self._decoders[corpus.plugin].decode(
                Uplink(uplink.payload, uplink.f_port, device.model, uplink.content_type, received)
            )
        except DecodeError as error:
            dead = reason_headers(
                headers,
                type=DEADLETTERED,
                source="/treaty/normalization",
                id=id,
                origin=Origin("uplink.accepted.demo.v1", 0, 0),
                failure=Failure("decode_error", str(error), "decode"),
            )
            self._put("dead_letters", "uplink.deadletter.v1", b"", codec.encode(accepted), dead)
            return
        emits = self._emits[corpus.plugin]
        for index, reading in enumerate(decoded):
            own = reading.observed_at
            observed = accepted.observed_at if own is None else round(own.timestamp() * 1000)
            body = ReadingNormalized(
                device=device.id,
                workspace=accepted.workspace,
                site="s",
                gateway=accepted.gateway,
                model=device.model,
                observed_at=rfc3339(observed or 0),
                ordered_at=rfc3339(observed or 0),
                received_at=rfc3339(accepted.received_at),
                measurements=tuple(
                    Measurement(
                        name,
                        conversion(emits[name]["quantity"], emits[name]["unit"])(value),
                        quantity(emits[name]["quantity"]).unit,
                    )
                    for name, value in reading.measurements.items()
                ),
                properties=dict(reading.properties),
                provenance=Provenance(corpus.plugin.name, "1.0.0", "sha256:0", str(id)),
                link=accepted.link,
            )
            self._read(id.at(index), device, body, accepted.received_at + HOP_MS)

    def _read(self, id: EventId, device: SeedDevice, body: ReadingNormalized, at_ms: int) -> None:
        headers = Envelope(str(id), "/treaty/normalization", body.TYPE).headers()
        self._put("readings", "reading.normalized.v1", device.id.encode(), codec.encode(body), headers)
        told = {"id": str(id)} | msgspec.json.decode(codec.encode(body))
        self._list("deliveries").append(Delivery(at_ms, told))

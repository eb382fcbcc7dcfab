"""A small fleet of two tenants, and records as its gateways send them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

from treaty_chassis.kafka.work import Record
from treaty_chassis.sealing import SealingKey, generate_key, seal, unseal
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.fleet import Authentication, DeviceChanged, GatewayChanged, Lifecycle
from treaty_events.signing import sign
from treaty_events.topics import RAW, REPLAY, accepted_topic, raw_topic
from treaty_ingestion.directory import Directory
from treaty_ingestion.step import State

NOW = 1_790_000_000_000
EUI = "70b3d57ba0001234"
SECRET, KEY = b"the gateway's secret", b"the device's key"
KEYS = SealingKey.parse(generate_key())
WORLD = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def id_of(name: str) -> str:
    return str(uuid5(WORLD, name))


ACME, ZENITH = id_of("acme"), id_of("zenith")


def gateway(slug: str, authentication: Authentication, **more: Any) -> GatewayChanged:
    sealed = seal(KEYS, SECRET, id_of(slug)) if authentication is Authentication.SIGNATURE else None
    topic = raw_topic(slug).name if authentication is Authentication.TOPIC else None
    found: dict[str, Any] = {
        "gateway": id_of(slug),
        "slug": slug,
        "workspace": ACME,
        "site": id_of("acme-site"),
        "network": "chirpstack",
        "authentication": authentication,
        "lifecycle": Lifecycle.ACTIVE,
        "version": 1,
        "topic": topic,
        "sealed_secret": sealed,
    }
    return GatewayChanged(**(found | more))


def device(name: str, external_id: str, **more: Any) -> DeviceChanged:
    found: dict[str, Any] = {
        "device": id_of(name),
        "workspace": ACME,
        "site": id_of("acme-site"),
        "gateway": id_of("north"),
        "external_id": external_id,
        "model": "decentlab/dl-iam",
        "plugin": "decentlab",
        "lifecycle": Lifecycle.ACTIVE,
        "version": 1,
        "late_after_ms": 3_600_000,
    }
    return DeviceChanged(**(found | more))


def decision(plugin: str, topic: str | None) -> ContractDecided:
    return ContractDecided(
        plugin, "1.0.0", "sha256:00", PluginState.ADMITTED, "", "ci", "2026-01-02T03:04:05.678Z", 1, topic
    )


TOPIC, SIGNATURE, DEVICE_KEY = Authentication.TOPIC, Authentication.SIGNATURE, Authentication.DEVICE_KEY
GATEWAYS = [
    gateway("north", TOPIC),
    gateway("zenith-north", TOPIC, workspace=ZENITH, site=id_of("zenith-site")),
    gateway("edge", SIGNATURE),
    gateway("forwarder", SIGNATURE, network="native"),
    gateway("fleet", DEVICE_KEY, network="native"),
    gateway("fleet-chirpstack", DEVICE_KEY),
    gateway("old-topic", TOPIC, lifecycle=Lifecycle.DISABLED),
    gateway("old-edge", SIGNATURE, lifecycle=Lifecycle.DISABLED),
]
DEVICES = [
    device("iam", EUI),
    device("iam-of-zenith", EUI, workspace=ZENITH, site=id_of("zenith-site"), gateway=id_of("zenith-north")),
    device("pump", "pump-7", gateway=id_of("fleet"), sealed_key=seal(KEYS, KEY, id_of("pump"))),
    device("keyed", "70b3d57ba000aaaa", sealed_key=seal(KEYS, KEY, id_of("keyed"))),
    device("retired", "70b3d57ba0009999", lifecycle=Lifecycle.DISABLED),
    device("unplugged", "70b3d57ba0008888", plugin="nobodys"),
    device("undecided", "70b3d57ba0007777", plugin="undecided"),
]
TOPICS = [
    RAW,
    REPLAY,
    *(raw_topic(g.slug).name for g in GATEWAYS),
    raw_topic("nobody").name,
]


def directory() -> Directory:
    found = Directory(lambda sealed, about: unseal(KEYS, sealed, about))
    for g in GATEWAYS:
        found.gateway_changed(g.gateway, None, g)
    for d in DEVICES:
        found.device_changed(d.device, None, d)
    found.decision_changed("decentlab", None, decision("decentlab", accepted_topic("decentlab").name))
    found.decision_changed("undecided", None, decision("undecided", None))
    return found


def state() -> State:
    return State(directory(), {topic: uuid5(WORLD, topic) for topic in TOPICS})


def up(external_id: str = EUI, payload: str = "AgvEAAMAAAAA") -> bytes:
    """A ChirpStack v4 uplink, the fields its JSON integration always has."""
    body = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-09-21T13:46:40+00:00",
        "deviceInfo": {"tenantId": "52f14cd4", "applicationId": "1757", "devEui": external_id},
        "devAddr": "00189440",
        "fCnt": 4,
        "fPort": 1,
        "data": payload,
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -48, "snr": 9.0}],
        "txInfo": {"frequency": 868100000},
    }
    return json.dumps(body).encode()


CHIRPSTACK_HEADERS = [("event", b"up")]


def record(
    value: bytes | None, topic: str = RAW, headers: Any = (), at: int = NOW, offset: int = 7
) -> Record:
    return Record(topic, 0, offset, at, b"the producer's key", value, list(headers))


def signed(
    value: bytes,
    slug: str = "edge",
    *,
    secret: bytes = SECRET,
    at: int = NOW,
    signed_device: str | None = None,
    headers: Any = (),
) -> list[tuple[str, bytes | None]]:
    """The headers of a signed record; `signed_device` for a device key's."""
    named = signed_device or next((v.decode() for k, v in headers if k == "treaty-device"), "")
    found = [
        ("treaty-gateway", slug.encode()),
        ("treaty-timestamp", str(at).encode()),
        ("treaty-signature", sign(secret, slug, str(at), value, device=named)),
        *headers,
    ]
    if signed_device is not None:
        found.append(("treaty-device", signed_device.encode()))
    return found

"""ChirpStack v4, JSON.

Source: ChirpStack v4 api/proto/integration/integration.proto (UplinkEvent, JoinEvent, AckEvent, TxAckEvent,
LogEvent, StatusEvent, LocationEvent, IntegrationEvent) in the protobuf JSON mapping (defaults may be left
out), and its Kafka integration, chirpstack/src/integration/kafka.rs: one header `event` with the event's
name, key `application.<application id>.device.<DevEUI>.event.<event>`.

deduplicationId is drawn once for a frame, when the copies its gateways heard are gathered: the same id
again is the same frame delivered again. It is per frame, not per device, and so is used as it is.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from treaty_events.headers import Headers, header
from treaty_events.instants import rfc3339
from treaty_events.links import Link, RadioGateway, link
from treaty_events.networks.fields import (
    Counter,
    Eui,
    FPort,
    Hertz,
    Time,
    Token,
    eui_or_none,
    moment_ms,
    read,
    read_object,
)
from treaty_events.networks.unwrapped import (
    EventKind,
    NetworkEvent,
    NetworkUplink,
    UnwrapCode,
    UnwrapError,
    Unwrapped,
    Wrapped,
)

__all__ = ["unwrap", "wrap"]

EVENT: Final = "event"

KINDS: Final = {
    "join": EventKind.JOINED,
    "ack": EventKind.DOWNLINK_ACKNOWLEDGED,
    "txack": EventKind.DOWNLINK_SENT,
    "log": EventKind.LOGGED,
    "status": EventKind.STATUS_REPORTED,
    "location": EventKind.LOCATION_SOLVED,
    "integration": EventKind.SERVICE_REPORTED,
}

TELLING: Final = (
    ("rxInfo", "up"),
    ("downlinkId", "txack"),
    ("gatewayId", "txack"),
    ("queueItemId", "ack"),
    ("integrationName", "integration"),
    ("location", "location"),
    ("description", "log"),
    ("margin", "status"),
    ("batteryLevel", "status"),
    ("batteryLevelUnavailable", "status"),
    ("externalPowerSource", "status"),
    ("data", "up"),
    ("devAddr", "join"),
)
"""Where the header is missing, the first of these fields that the body has tells the event."""


class _Struct(msgspec.Struct, rename="camel", gc=False):
    pass


class _Device(_Struct):
    dev_eui: Eui


class _Lora(_Struct):
    bandwidth: Hertz | None = None
    spreading_factor: int | None = None


class _Modulation(_Struct):
    lora: _Lora | None = None


class _TxInfo(_Struct):
    frequency: Hertz | None = None
    modulation: _Modulation | None = None


class _RxInfo(_Struct):
    gateway_id: Token = ""
    rssi: float | None = None
    snr: float | None = None


class _Uplink(_Struct):
    device_info: _Device
    data: bytes = b""
    f_port: FPort = 0
    f_cnt: Counter = 0
    time: Time | None = None
    deduplication_id: Token | None = None
    dev_addr: Token | None = None
    rx_info: list[_RxInfo] = []
    tx_info: _TxInfo | None = None
    join_server_context: dict[str, Any] | None = None


_uplink = msgspec.json.Decoder(_Uplink)


def unwrap(value: bytes, headers: Headers) -> Unwrapped:
    """Raises UnwrapError only."""
    named = header(headers, EVENT)
    if named == b"up":
        return _unwrap_uplink(value)
    body = read_object(value)
    event = _told(body) if named is None else named.decode("utf-8", "replace")
    if event == "up":
        return _unwrap_uplink(value)
    kind = KINDS.get(event, EventKind.OTHER)
    if kind is EventKind.DOWNLINK_ACKNOWLEDGED and not body.get("acknowledged"):
        kind = EventKind.DOWNLINK_NOT_ACKNOWLEDGED
    device = body.get("deviceInfo")
    return NetworkEvent(
        kind=kind,
        external_id=eui_or_none(device.get("devEui")) if isinstance(device, dict) else None,
        observed_at=_time(body.get("time")),
        data=body,
    )


def _told(body: Mapping[str, Any]) -> str:
    for name, event in TELLING:
        if name in body:
            return event
    raise UnwrapError(
        UnwrapCode.MISSING_FIELD, "no event header, and no field that tells a ChirpStack v4 event"
    )


def _unwrap_uplink(value: bytes) -> Unwrapped:
    up = read(_uplink, value)
    if up.join_server_context:
        raise UnwrapError(
            UnwrapCode.ENCRYPTED, "$.joinServerContext: data is encrypted, its key is not ChirpStack's"
        )
    if not up.data and up.f_port == 0:
        return NetworkEvent(
            EventKind.UPLINK_EMPTY, up.device_info.dev_eui.lower(), moment_ms(up.time), read_object(value)
        )
    return NetworkUplink(
        external_id=up.device_info.dev_eui.lower(),
        payload=up.data,
        f_port=up.f_port,
        observed_at=moment_ms(up.time),
        dedup_id=up.deduplication_id or None,
        session=up.dev_addr or None,
        counter=up.f_cnt,
        link=_link(up),
    )


def _link(up: _Uplink) -> Link:
    heard = (RadioGateway(r.gateway_id.lower(), r.rssi, r.snr) for r in up.rx_info)
    if up.tx_info is None:
        return link(heard)
    lora = up.tx_info.modulation.lora if up.tx_info.modulation is not None else None
    if lora is None:
        return link(heard, frequency=up.tx_info.frequency)
    return link(heard, lora.spreading_factor, up.tx_info.frequency, lora.bandwidth)


def _time(found: object) -> int | None:
    try:
        return moment_ms(msgspec.convert(found, Time))
    except msgspec.ValidationError:
        return None


def wrap(
    message: Mapping[str, Any],
    *,
    external_id: str,
    at_ms: int,
    counter: int,
    dedup_id: str,
    data: bytes | None = None,
    event: str = "up",
) -> Wrapped:
    """A real message with another device, time, counter and deduplication id, and `data` where given."""
    body = copy.deepcopy(dict(message))
    time = rfc3339(at_ms)
    body["deviceInfo"]["devEui"] = external_id
    body["time"] = time
    if "deduplicationId" in body:
        body["deduplicationId"] = dedup_id
    if "fCnt" in body:
        body["fCnt"] = counter
    for reception in body.get("rxInfo", ()):
        for name in ("time", "gwTime", "nsTime"):
            if name in reception:
                reception[name] = time
    if data is not None:
        body["data"] = base64.b64encode(data).decode()
    key = f"application.{body['deviceInfo'].get('applicationId', '')}.device.{external_id}.event.{event}"
    return Wrapped(key.encode(), msgspec.json.encode(body), [(EVENT, event.encode())])

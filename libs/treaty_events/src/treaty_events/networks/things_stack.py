"""The Things Stack v3, JSON (Community, Cloud and Enterprise alike).

Source: The Things Industries, "Data Formats" (www.thethingsindustries.com/docs/integrations/data-formats):
join_accept, uplink_message, downlink_*, location_solved, service_data; "Empty fields are omitted", so that
f_cnt 0 is absent; 64-bit integers are strings (protobuf JSON).

A repeated delivery is told by session_key_id and f_cnt, which name one frame of one session. The correlation
ids do not: which of them a message carries changed with v3.28 (TheThingsNetwork/lorawan-stack#6581, "Simplify
correlation IDs"), the Gateway Server draws a new one for each reception and the Application Server drew one
for each processing, so that a retransmitted frame, or one the Network Server sent on twice, has others.
A frame without session (one simulated from the console) falls back on its first correlation id.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from treaty_events.headers import Headers
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

KINDS: Final = {
    "join_accept": EventKind.JOINED,
    "downlink_queued": EventKind.DOWNLINK_QUEUED,
    "downlink_sent": EventKind.DOWNLINK_SENT,
    "downlink_ack": EventKind.DOWNLINK_ACKNOWLEDGED,
    "downlink_nack": EventKind.DOWNLINK_NOT_ACKNOWLEDGED,
    "downlink_failed": EventKind.DOWNLINK_FAILED,
    "downlink_queue_invalidated": EventKind.DOWNLINK_INVALIDATED,
    "location_solved": EventKind.LOCATION_SOLVED,
    "service_data": EventKind.SERVICE_REPORTED,
    "uplink_normalized": EventKind.UPLINK_NORMALIZED,
}


class _Ids(msgspec.Struct, gc=False):
    dev_eui: Eui | None = None
    dev_addr: Token | None = None


class _GatewayIds(msgspec.Struct, gc=False):
    gateway_id: Token = ""
    eui: Token | None = None


class _PacketBroker(msgspec.Struct, gc=False):
    forwarder_gateway_eui: Token | None = None
    forwarder_gateway_id: Token | None = None


class _RxMetadata(msgspec.Struct, gc=False):
    gateway_ids: _GatewayIds = msgspec.field(default_factory=_GatewayIds)
    packet_broker: _PacketBroker | None = None
    rssi: float | None = None
    snr: float | None = None


class _Lora(msgspec.Struct, gc=False):
    bandwidth: Hertz | None = None
    spreading_factor: int | None = None


class _DataRate(msgspec.Struct, gc=False):
    lora: _Lora | None = None


class _Settings(msgspec.Struct, gc=False):
    data_rate: _DataRate | None = None
    frequency: Hertz | Token | None = None


class _UplinkMessage(msgspec.Struct, gc=False):
    session_key_id: Token | None = None
    f_port: FPort = 0
    f_cnt: Counter = 0
    frm_payload: bytes = b""
    app_s_key: dict[str, Any] | None = None
    received_at: Time | None = None
    rx_metadata: list[_RxMetadata] = []
    settings: _Settings | None = None


class _Message(msgspec.Struct, gc=False):
    end_device_ids: _Ids | None = None
    correlation_ids: list[Token] = []
    received_at: Time | None = None
    uplink_message: _UplinkMessage | None = None


_message = msgspec.json.Decoder(_Message)


def unwrap(value: bytes, headers: Headers) -> Unwrapped:
    """Raises UnwrapError only. Headers carry nothing in this form."""
    message = read(_message, value)
    up = message.uplink_message
    if up is None:
        return _event(message, value)
    if message.end_device_ids is None or message.end_device_ids.dev_eui is None:
        raise UnwrapError(UnwrapCode.MISSING_FIELD, "$.end_device_ids.dev_eui is missing")
    if up.app_s_key is not None:
        raise UnwrapError(UnwrapCode.ENCRYPTED, "$.uplink_message.app_s_key: the payload is left encrypted")
    external_id = message.end_device_ids.dev_eui.lower()
    observed_at = moment_ms(up.received_at if up.received_at is not None else message.received_at)
    if not up.frm_payload and up.f_port == 0:
        return NetworkEvent(EventKind.UPLINK_EMPTY, external_id, observed_at, read_object(value))
    session = up.session_key_id or message.end_device_ids.dev_addr or None
    correlation = message.correlation_ids[0] if session is None and message.correlation_ids else None
    return NetworkUplink(
        external_id=external_id,
        payload=up.frm_payload,
        f_port=up.f_port,
        observed_at=observed_at,
        dedup_id=correlation,
        session=session,
        counter=up.f_cnt,
        link=_link(up),
    )


def _event(message: _Message, value: bytes) -> NetworkEvent:
    body = read_object(value)
    kind = next((kind for name, kind in KINDS.items() if name in body), None)
    if kind is None:
        if message.end_device_ids is None:
            raise UnwrapError(
                UnwrapCode.MISSING_FIELD, "$.end_device_ids is missing: not a Things Stack v3 message"
            )
        kind = EventKind.OTHER
    external_id = None if message.end_device_ids is None else eui_or_none(message.end_device_ids.dev_eui)
    return NetworkEvent(kind, external_id, moment_ms(message.received_at), body)


def _link(up: _UplinkMessage) -> Link:
    heard = [RadioGateway(_gateway(r), r.rssi, r.snr) for r in up.rx_metadata]
    settings = up.settings
    if settings is None:
        return link(heard)
    frequency = settings.frequency
    if isinstance(frequency, str):
        frequency = (
            int(frequency) if frequency.isascii() and frequency.isdigit() and len(frequency) < 12 else None
        )
    lora = settings.data_rate.lora if settings.data_rate is not None else None
    if lora is None:
        return link(heard, frequency=frequency)
    return link(heard, lora.spreading_factor, frequency, lora.bandwidth)


def _gateway(reception: _RxMetadata) -> str:
    broker = reception.packet_broker
    if broker is not None and (broker.forwarder_gateway_eui or broker.forwarder_gateway_id):
        return (broker.forwarder_gateway_eui or broker.forwarder_gateway_id or "").lower()
    return (reception.gateway_ids.eui or reception.gateway_ids.gateway_id).lower()


def wrap(
    message: Mapping[str, Any],
    *,
    external_id: str,
    at_ms: int,
    counter: int,
    dedup_id: str,
    data: bytes | None = None,
) -> Wrapped:
    """A real message with another device, time, counter and correlation ids, and `data` where given."""
    body = copy.deepcopy(dict(message))
    time = rfc3339(at_ms)
    ids = body["end_device_ids"]
    ids["dev_eui"] = external_id.upper()
    ids["device_id"] = f"eui-{external_id}"
    body["received_at"] = time
    body["correlation_ids"] = [
        f"{old.rpartition(':')[0]}:{dedup_id}" for old in body.get("correlation_ids", ())
    ]
    up = body.get("uplink_message")
    if up is not None:
        up["f_cnt"] = counter
        up["received_at"] = time
        if "time" in up.get("settings", {}):
            up["settings"]["time"] = time
        for reception in up.get("rx_metadata", ()):
            for name in ("time", "received_at"):
                if name in reception:
                    reception[name] = time
        if data is not None:
            up["frm_payload"] = base64.b64encode(data).decode()
    return Wrapped(external_id.encode(), msgspec.json.encode(body))

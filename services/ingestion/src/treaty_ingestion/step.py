"""What becomes of a raw record: accepted, reported, or refused with its bytes. Pure; time is the record's.

`step(state, batch, now_ms) -> (state, outputs)`, one list of outputs a record, exactly one output in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from treaty_chassis.kafka.work import Output, Record
from treaty_chassis.tracing.context import read as traceparent
from treaty_events import codec, networks
from treaty_events.deadletter import REFUSED as REFUSED_TYPE
from treaty_events.deadletter import Failure, Origin, original_headers, reason_headers
from treaty_events.envelope import Envelope
from treaty_events.fleet import GatewayChanged, Lifecycle
from treaty_events.headers import GATEWAY, RECEIVED_AT, Headers, header
from treaty_events.identity import EventId
from treaty_events.networks import NetworkEvent, NetworkUplink, UnwrapError
from treaty_events.topics import NETWORK_REPORTED, REFUSED, REPLAY
from treaty_events.uplinks import NetworkReported, Refusal, UplinkAccepted
from treaty_ingestion.authentication import RefusedError, Sender, authenticate
from treaty_ingestion.directory import Directory

__all__ = ["SOURCE", "State", "handle", "refuse", "step"]

SOURCE: Final = "/treaty/ingestion"


@dataclass(frozen=True, slots=True)
class State:
    """What the step looks things up in. `topic_ids` has every topic whose records may come."""

    directory: Directory
    topic_ids: Mapping[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A record with what is known of it before anybody is proven: its identity, and when it came."""

    record: Record
    id: EventId
    received_at: int
    headers: Headers
    """As the producer wrote them; a replayed uplink's own, without what was added to it since."""

    def envelope(self, type: str) -> list[tuple[str, bytes | None]]:
        return Envelope(str(self.id), SOURCE, type, traceparent=traceparent(self.headers)).headers()


def step(state: State, batch: Sequence[Record], now_ms: int) -> tuple[State, list[list[Output]]]:
    """The state is only looked into, so it comes back as it was."""
    return state, [[handle(state, record)] for record in batch]


def handle(state: State, record: Record) -> Output:
    """Raises KeyError for a topic whose UUID is not in the state: that is the caller's mistake."""
    arrival = _arrival(state, record)
    try:
        replayed = record.topic == REPLAY
        sender = _replayed(state.directory, record) if replayed else authenticate(state.directory, record)
        gateway = sender.gateway
        try:
            found = networks.unwrap(gateway.network, record.value or b"", arrival.headers)
        except UnwrapError as error:
            raise RefusedError(Refusal.MALFORMED_ENVELOPE, str(error), gateway=gateway) from error
        if sender.external_id is not None and found.external_id not in (None, sender.external_id):
            raise RefusedError(
                Refusal.BAD_SIGNATURE,
                f"signed by {sender.external_id!r} about {str(found.external_id)[:128]!r}",
                gateway=gateway,
            )
        if isinstance(found, NetworkEvent):
            return _reported(state.directory, arrival, gateway, found)
        return _accepted(state.directory, arrival, gateway, found)
    except RefusedError as error:
        return _refused(arrival, error)


def refuse(state: State, record: Record, reason: Refusal, detail: str) -> Output:
    """The record as a refusal, for reasons found after the step."""
    return _refused(_arrival(state, record), RefusedError(reason, detail))


def _arrival(state: State, record: Record) -> _Arrival:
    here = EventId(state.topic_ids[record.topic], record.partition, record.offset)
    if record.topic != REPLAY:
        return _Arrival(record, here, record.timestamp_ms, record.headers)
    try:
        id = EventId.parse((header(record.headers, "ce_id") or b"").decode())
        received_at = int(header(record.headers, RECEIVED_AT) or b"")
        return _Arrival(record, id, received_at, original_headers(record.headers))
    except ValueError:
        return _Arrival(record, here, record.timestamp_ms, record.headers)


def _replayed(directory: Directory, record: Record) -> Sender:
    """Who had sent it was proven when it first came; only the registry writes this topic."""
    named = (header(record.headers, GATEWAY) or b"").decode("utf-8", "replace")
    known = directory.gateway(named) or directory.gateway_by_slug(named)
    if known is None:
        raise RefusedError(Refusal.UNKNOWN_GATEWAY, f"the gateway {named[:64]!r} is gone")
    return Sender(known.gateway)


def _reported(
    directory: Directory, arrival: _Arrival, gateway: GatewayChanged, event: NetworkEvent
) -> Output:
    known = None if event.external_id is None else directory.device(gateway.workspace, event.external_id)
    device = None if known is None else known.device.device
    body = NetworkReported(
        kind=event.kind,
        workspace=gateway.workspace,
        gateway=gateway.gateway,
        network=gateway.network,
        received_at=arrival.received_at,
        external_id=event.external_id,
        device=device,
        data=event.data,
    )
    key = (device or gateway.gateway).encode()
    return Output(NETWORK_REPORTED, key, codec.encode(body), arrival.envelope(NetworkReported.TYPE))


def _accepted(
    directory: Directory, arrival: _Arrival, gateway: GatewayChanged, uplink: NetworkUplink
) -> Output:
    known = directory.device(gateway.workspace, uplink.external_id)

    def refused(reason: Refusal, detail: str) -> RefusedError:
        return RefusedError(reason, detail, gateway=gateway, external_id=uplink.external_id)

    if known is None:
        raise refused(Refusal.UNKNOWN_DEVICE, f"no device of the workspace is {uplink.external_id!r}")
    device = known.device
    if device.lifecycle is not Lifecycle.ACTIVE:
        raise refused(Refusal.DEVICE_DISABLED, f"the device {uplink.external_id!r} is switched off")
    topic = directory.accepted_topic(device.plugin)
    if topic is None:
        raise refused(
            Refusal.NO_PLUGIN, f"the plugin {device.plugin!r} of {device.model!r} takes no uplinks yet"
        )
    body = UplinkAccepted(
        device=device.device,
        workspace=device.workspace,
        site=device.site,
        gateway=gateway.gateway,
        model=device.model,
        network=gateway.network,
        external_id=uplink.external_id,
        received_at=arrival.received_at,
        payload=uplink.payload,
        content_type=uplink.content_type,
        f_port=uplink.f_port,
        observed_at=uplink.observed_at,
        dedup_id=uplink.dedup_id,
        session=uplink.session,
        counter=uplink.counter,
        link=uplink.link,
        late_after_ms=device.late_after_ms,
    )
    return Output(topic, device.device.encode(), codec.encode(body), arrival.envelope(UplinkAccepted.TYPE))


def _refused(arrival: _Arrival, error: RefusedError) -> Output:
    record = arrival.record
    headers = reason_headers(
        record.headers,
        type=REFUSED_TYPE,
        source=SOURCE,
        id=arrival.id,
        origin=Origin(record.topic, record.partition, record.offset),
        failure=Failure(error.reason, error.detail, "ingestion"),
        gateway=None if error.gateway is None else error.gateway.gateway,
        workspace=None if error.gateway is None else error.gateway.workspace,
        device=error.external_id,
        received_at=arrival.received_at,
    )
    return Output(REFUSED, record.key, record.value, headers)

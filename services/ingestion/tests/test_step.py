"""What becomes of records, each exactly one thing."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treaty_chassis.kafka.work import Record
from treaty_events import codec
from treaty_events.deadletter import original_headers
from treaty_events.envelope import Envelope
from treaty_events.headers import header
from treaty_events.identity import EventId
from treaty_events.topics import NETWORK_REPORTED, RAW, REFUSED, REPLAY, accepted_topic, raw_topic
from treaty_events.uplinks import NetworkReported, Refusal, UplinkAccepted
from treaty_ingestion.step import handle, step

from .fleet import (
    ACME,
    CHIRPSTACK_HEADERS,
    EUI,
    KEY,
    NOW,
    TOPICS,
    ZENITH,
    id_of,
    record,
    signed,
    state,
    up,
)

STATE = state()
NORTH = raw_topic("north").name
ACCEPTED = accepted_topic("decentlab").name


def refused(found: Record) -> tuple[str, Record]:
    """The reason, and the refusal read as a record."""
    output = handle(STATE, found)
    assert output.topic == REFUSED
    reason = header(output.headers, "treaty-reason").decode()
    return reason, Record(REFUSED, 0, 0, NOW, output.key, output.value, output.headers)


def test_an_uplink_goes_to_its_plugins_topic_keyed_by_the_device():
    output = handle(STATE, record(up(), NORTH, CHIRPSTACK_HEADERS))
    assert (output.topic, output.key) == (ACCEPTED, id_of("iam").encode())
    uplink = codec.decode(UplinkAccepted, output.value)
    assert uplink == UplinkAccepted(
        device=id_of("iam"),
        workspace=ACME,
        site=id_of("acme-site"),
        gateway=id_of("north"),
        model="decentlab/dl-iam",
        network="chirpstack",
        external_id=EUI,
        received_at=NOW,
        payload=bytes.fromhex("020bc400030000000 0".replace(" ", "")),
        f_port=1,
        observed_at=1_789_998_400_000,
        dedup_id="3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        session="00189440",
        counter=4,
        link=uplink.link,
        late_after_ms=3_600_000,
    )
    assert uplink.link.rssi == -48
    envelope = Envelope.of(output.headers)
    assert envelope.id == str(EventId(STATE.topic_ids[NORTH], 0, 7, 0))
    assert (envelope.type, envelope.source) == ("treaty.uplink.accepted.v1", "/treaty/ingestion")


def test_the_same_dev_eui_is_another_device_at_another_tenants_gateway():
    output = handle(STATE, record(up(), raw_topic("zenith-north").name, CHIRPSTACK_HEADERS))
    assert codec.decode(UplinkAccepted, output.value).workspace == ZENITH
    assert output.key == id_of("iam-of-zenith").encode()


def test_a_native_uplink_by_device_key_is_accepted():
    headers = signed(b"21.5", "fleet", secret=KEY, signed_device="pump-7")
    uplink = codec.decode(UplinkAccepted, handle(STATE, record(b"21.5", RAW, headers)).value)
    assert (uplink.device, uplink.payload, uplink.external_id) == (id_of("pump"), b"21.5", "pump-7")


def test_a_devices_key_does_not_speak_for_another_device_in_the_body():
    body = up(EUI)
    headers = signed(body, "fleet-chirpstack", secret=KEY, signed_device="70b3d57ba000aaaa")
    assert refused(record(body, RAW, headers))[0] == Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("external_id", "reason"),
    [
        ("70b3d57ba0000000", Refusal.UNKNOWN_DEVICE),
        ("70b3d57ba0009999", Refusal.DEVICE_DISABLED),
        ("70b3d57ba0008888", Refusal.NO_PLUGIN),
        ("70b3d57ba0007777", Refusal.NO_PLUGIN),
    ],
)
def test_a_device_that_cannot_be_served_is_refused_with_all_that_is_proven(external_id: str, reason: Refusal):
    why, refusal = refused(record(up(external_id), NORTH, CHIRPSTACK_HEADERS))
    assert why == reason
    assert header(refusal.headers, "treaty-workspace") == ACME.encode()
    assert header(refusal.headers, "treaty-gateway") == id_of("north").encode()
    assert header(refusal.headers, "treaty-device") == external_id.encode()
    assert header(refusal.headers, "treaty-received-at") == b"%d" % NOW


def test_a_wrong_signature_is_refused_with_bytes_key_and_headers_and_no_claim_about_who_it_was():
    headers = signed(up(), secret=b"guessed", headers=[("x", b"y")])
    reason, refusal = refused(record(up(), RAW, headers))
    assert reason == Refusal.BAD_SIGNATURE
    assert (refusal.key, refusal.value) == (b"the producer's key", up())
    assert original_headers(refusal.headers) == headers
    assert header(refusal.headers, "treaty-workspace") is None
    assert header(refusal.headers, "__connect.errors.topic") == RAW.encode()
    assert header(refusal.headers, "__connect.errors.offset") == b"7"


def test_a_message_of_another_form_says_where_it_is_wrong():
    reason, refusal = refused(record(b'{"deviceInfo": {"devEui": 5}}', NORTH, CHIRPSTACK_HEADERS))
    assert reason == Refusal.MALFORMED_ENVELOPE
    assert b"bad_field" in header(refusal.headers, "treaty-detail")
    assert b"deviceInfo.devEui" in header(refusal.headers, "treaty-detail")


def test_a_record_without_a_value_is_refused():
    assert refused(record(None, NORTH, CHIRPSTACK_HEADERS))[0] == Refusal.MALFORMED_ENVELOPE


def test_a_join_is_reported_and_not_refused():
    body = json.dumps({"time": "2026-09-21T13:46:40Z", "deviceInfo": {"devEui": EUI}, "devAddr": "00189440"})
    output = handle(STATE, record(body.encode(), NORTH, [("event", b"join")]))
    assert (output.topic, output.key) == (NETWORK_REPORTED, id_of("iam").encode())
    event = codec.decode(NetworkReported, output.value)
    assert (event.kind, event.workspace, event.device) == ("joined", ACME, id_of("iam"))
    assert event.data["devAddr"] == "00189440"


def test_an_event_of_an_unknown_device_is_reported_for_its_gateway():
    body = json.dumps({"deviceInfo": {"devEui": "70b3d57ba0000000"}, "margin": 3}).encode()
    output = handle(STATE, record(body, NORTH, [("event", b"status")]))
    assert (output.topic, output.key) == (NETWORK_REPORTED, id_of("north").encode())


@pytest.mark.parametrize(
    ("given_", "passed"),
    [
        (b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",) * 2,
        (b"not one", None),
        (b"\xff" * 20, None),
    ],
)
def test_a_trace_goes_on_where_it_is_one(given_: bytes, passed: bytes | None):
    output = handle(STATE, record(up(), NORTH, [*CHIRPSTACK_HEADERS, ("traceparent", given_)]))
    assert header(output.headers, "traceparent") == passed


def replayed(value: bytes, gateway: str, raw: list[tuple[str, bytes | None]]) -> Record:
    """As the registry writes it: raw headers, then what was kept of the refusal."""
    added = {
        "treaty-original-headers": str(len(raw)),
        "ce_specversion": "1.0",
        "ce_id": f"{STATE.topic_ids[NORTH]}:3:41:0",
        "ce_source": "/treaty/device-registry",
        "ce_type": "treaty.uplink.replayed.v1",
        "treaty-gateway": gateway,
        "treaty-received-at": str(NOW - 86_400_000),
        "treaty-replays": "1",
    }
    return record(value, REPLAY, [*raw, *((name, text.encode()) for name, text in added.items())])


@pytest.mark.parametrize("gateway", [id_of("north"), "north"])
def test_a_replayed_uplink_keeps_its_identity_and_its_time_and_is_not_judged_again(gateway: str):
    output = handle(STATE, replayed(up(), gateway, CHIRPSTACK_HEADERS))
    assert output.topic == ACCEPTED
    assert Envelope.of(output.headers).id == f"{STATE.topic_ids[NORTH]}:3:41:0"
    assert codec.decode(UplinkAccepted, output.value).received_at == NOW - 86_400_000


def test_a_replayed_native_uplink_is_read_with_its_own_headers():
    raw = [*signed(b"21.5", "forwarder", at=0), ("treaty-device", b"pump-7"), ("treaty-counter", b"9")]
    output = handle(STATE, replayed(b"21.5", id_of("forwarder"), raw))
    assert codec.decode(UplinkAccepted, output.value).counter == 9


def test_a_replay_that_comes_too_early_is_parked_again_as_it_was():
    early = replayed(up("70b3d57ba0000000"), id_of("north"), CHIRPSTACK_HEADERS)
    reason, refusal = refused(early)
    assert reason == Refusal.UNKNOWN_DEVICE
    assert Envelope.of(refusal.headers).id == f"{STATE.topic_ids[NORTH]}:3:41:0"
    assert header(refusal.headers, "treaty-received-at") == b"%d" % (NOW - 86_400_000)
    before = original_headers(refusal.headers)
    assert before == early.headers
    assert original_headers(before) == CHIRPSTACK_HEADERS


def test_the_headers_of_a_replay_prove_nothing_on_a_raw_topic():
    forged = replayed(up(), id_of("north"), CHIRPSTACK_HEADERS)
    assert refused(record(up(), RAW, forged.headers))[0] == Refusal.UNSIGNED


def test_a_batch_gives_one_output_a_record_in_order():
    batch = [record(up(), NORTH, CHIRPSTACK_HEADERS, offset=n) for n in range(5)]
    same, outputs = step(STATE, batch, 0)
    assert same is STATE
    ids = [EventId.parse(Envelope.of(made.headers).id).offset for (made,) in outputs]
    assert ids == [0, 1, 2, 3, 4]


names = st.sampled_from(
    [
        "event",
        "treaty-gateway",
        "treaty-timestamp",
        "treaty-signature",
        "treaty-device",
        "ce_id",
        "traceparent",
    ]
) | st.text(max_size=20)
texts = st.sampled_from([b"up", b"edge", b"fleet", b"north", b"pump-7", EUI.encode(), b"%d" % NOW, b"v1="])
headers = st.lists(st.tuples(names, st.none() | texts | st.binary(max_size=80)), max_size=12)
values = (
    st.none()
    | st.binary(max_size=200)
    | st.just(up())
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: st.dictionaries(st.text(max_size=9), inner),
        max_leaves=9,
    ).map(lambda body: json.dumps(body).encode())
)


@given(st.sampled_from(TOPICS), values, headers, st.none() | st.binary(max_size=30))
@example(RAW, up(), [("treaty-gateway", b"edge"), ("treaty-timestamp", b""), ("treaty-signature", b"")], None)
def test_whatever_comes_in_becomes_exactly_one_thing_and_no_byte_is_lost(topic, value, headers, key):
    found = Record(topic, 1, 5, NOW, key, value, headers)
    output = handle(STATE, found)
    Envelope.of(output.headers)
    if output.topic == REFUSED:
        assert (output.key, output.value) == (key, value)
        assert original_headers(output.headers) == headers
        assert header(output.headers, "treaty-reason").decode() in set(Refusal)
    else:
        assert topic != RAW, "nothing that Hypothesis makes is signed"
        assert output.topic in (ACCEPTED, NETWORK_REPORTED)


@given(st.binary(min_size=1, max_size=8), st.integers(0, 10_000))
def test_a_signature_holds_for_the_bytes_it_was_made_of_alone(noise: bytes, place: int):
    good = up()
    at = place % len(good)
    bad = good[:at] + noise + good[at + len(noise) :]
    found = record(bad, RAW, signed(good))
    if bad == good:
        assert handle(STATE, found).topic == ACCEPTED
    else:
        assert refused(found)[0] == Refusal.BAD_SIGNATURE

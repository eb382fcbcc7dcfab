"""From a refused record to what will be replayed: pure."""

import uuid

import pytest

from treaty_chassis.kafka.work import Record
from treaty_device_registry.inbox.parking import UnreadableError, read
from treaty_events.deadletter import REFUSED as TYPE
from treaty_events.deadletter import Failure, Origin, original_headers, reason_headers
from treaty_events.headers import header
from treaty_events.identity import EventId
from treaty_events.topics import RAW, REFUSED, REPLAY
from treaty_events.uplinks import Refusal

WORKSPACE = uuid.uuid4()
ID = EventId(uuid.uuid4(), 2, 41)
RAW_HEADERS = [("event", b"up"), ("content-type", b"application/json"), ("empty", None)]


def refused(
    headers=RAW_HEADERS, topic=RAW, reason=Refusal.UNKNOWN_DEVICE, device="70b3d5e75e004c40", **known
):
    made = reason_headers(
        headers,
        type=TYPE,
        source="/treaty/ingestion",
        id=ID,
        origin=Origin(topic, 2, 41),
        failure=Failure(reason, "in words", "ingestion"),
        gateway="a-gateway",
        workspace=str(WORKSPACE),
        device=device,
        received_at=1_700_000_000_123,
    )
    return Record(REFUSED, 0, 7, 1_800_000_000_000, b"key", b"\x00bytes\xff", made)


def test_bytes_headers_identity_and_first_time_are_kept():
    found = read(refused())
    assert (found.workspace, found.external_id, found.gateway) == (WORKSPACE, "70b3d5e75e004c40", "a-gateway")
    assert (found.value, found.seen_at, found.reason) == (
        b"\x00bytes\xff",
        1_700_000_000_123,
        "unknown_device",
    )
    assert original_headers(found.headers) == RAW_HEADERS
    assert header(found.headers, "ce_id") == str(ID).encode()
    assert header(found.headers, "treaty-gateway") == b"a-gateway"
    assert header(found.headers, "treaty-received-at") == b"1700000000123"
    assert header(found.headers, "content-type") == b"application/json"


def test_refused_again_it_waits_longer_and_its_headers_do_not_grow():
    first = read(refused())
    second = read(refused(first.headers, REPLAY))
    third = read(refused(second.headers, REPLAY))
    assert [found.wait_s for found in (first, second, third)] == [1, 2, 4]
    assert original_headers(third.headers) == RAW_HEADERS
    assert len(third.headers) == len(first.headers)
    for _ in range(20):
        third = read(refused(third.headers, REPLAY))
    assert third.wait_s == 300


def test_a_device_cannot_claim_to_be_a_replay():
    forged = [
        ("treaty-replays", b"9"),
        ("treaty-received-at", b"1"),
        ("treaty-original-headers", b"0"),
        ("treaty-workspace", str(uuid.uuid4()).encode()),
    ]
    found = read(refused(forged))
    assert (found.wait_s, found.seen_at, found.workspace) == (1, 1_700_000_000_123, WORKSPACE)
    assert original_headers(found.headers) == forged


@pytest.mark.parametrize("reason", [r for r in Refusal if r not in ("unknown_device", "no_plugin")])
def test_final_refusals_are_not_parked(reason):
    assert read(refused(reason=reason)) is None


@pytest.mark.parametrize(
    "missing",
    [
        "treaty-workspace",
        "treaty-device",
        "treaty-gateway",
        "ce_id",
        "treaty-original-headers",
        "treaty-reason",
    ],
)
def test_a_record_ingestion_did_not_write_is_named(missing):
    record = refused()
    headers = [pair for pair in record.headers if pair[0] != missing]
    with pytest.raises(UnreadableError, match=missing):
        read(Record(REFUSED, 0, 7, 0, None, b"", headers))


def test_text_that_cannot_be_stored_is_refused():
    with pytest.raises(UnreadableError, match="U\\+0000"):
        read(refused(device="a\x00b"))

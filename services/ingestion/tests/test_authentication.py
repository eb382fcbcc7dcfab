"""Who a record is proven to be from, and what does not pass."""

from __future__ import annotations

import pytest

from treaty_chassis.kafka.work import Record
from treaty_events.topics import RAW, raw_topic
from treaty_events.uplinks import Refusal
from treaty_ingestion.authentication import TOLERANCE_MS, RefusedError, authenticate

from .fleet import CHIRPSTACK_HEADERS, EUI, KEY, NOW, directory, record, signed, up

DIRECTORY = directory()
KEYED = "70b3d57ba000aaaa"


def refusal(found: Record) -> Refusal:
    with pytest.raises(RefusedError) as raised:
        authenticate(DIRECTORY, found)
    return raised.value.reason


def test_an_unmodified_chirpstack_message_on_its_gateways_own_topic_passes():
    found = authenticate(DIRECTORY, record(up(), raw_topic("north").name, CHIRPSTACK_HEADERS))
    assert found.gateway.slug == "north"
    assert found.external_id is None


def test_a_signed_record_on_the_shared_topic_passes():
    assert authenticate(DIRECTORY, record(up(), RAW, signed(up()))).gateway.slug == "edge"


def test_a_signed_record_passes_on_a_topic_of_its_own_too():
    topic = raw_topic("edge").name
    assert authenticate(DIRECTORY, record(up(), topic, signed(up()))).gateway.slug == "edge"


def test_a_device_signs_with_its_own_key_and_is_all_that_is_proven():
    headers = signed(b"21.5", "fleet", secret=KEY, signed_device="pump-7")
    found = authenticate(DIRECTORY, record(b"21.5", RAW, headers))
    assert (found.gateway.slug, found.external_id) == ("fleet", "pump-7")


def test_a_dev_eui_is_found_in_either_case_and_signed_as_it_was_written():
    headers = signed(up(KEYED), "fleet-chirpstack", secret=KEY, signed_device=KEYED.upper())
    assert authenticate(DIRECTORY, record(up(KEYED), RAW, headers)).external_id == KEYED


@pytest.mark.parametrize("apart", [-TOLERANCE_MS, TOLERANCE_MS])
def test_the_signed_time_may_be_five_minutes_from_the_append_time(apart: int):
    authenticate(DIRECTORY, record(up(), RAW, signed(up(), at=NOW + apart)))


@pytest.mark.parametrize("apart", [-TOLERANCE_MS - 1, TOLERANCE_MS + 1])
def test_beyond_five_minutes_it_is_stale(apart: int):
    assert refusal(record(up(), RAW, signed(up(), at=NOW + apart))) is Refusal.STALE_SIGNATURE


def test_now_plays_no_part_so_a_backlog_is_judged_as_it_would_have_been_at_once():
    """Appended and signed in 2001: read today, and as good as then."""
    long_ago = 1_000_000_000_000
    authenticate(DIRECTORY, record(up(), RAW, signed(up(), at=long_ago), at=long_ago + 1_000))


REFUSED = {
    "nobody's topic": (record(up(), raw_topic("nobody").name, CHIRPSTACK_HEADERS), Refusal.UNKNOWN_GATEWAY),
    "nobody's slug": (record(up(), RAW, signed(up(), "nobody")), Refusal.UNKNOWN_GATEWAY),
    "no headers on the shared topic": (record(up(), RAW), Refusal.UNSIGNED),
    "an unmodified message on the shared topic": (record(up(), RAW, CHIRPSTACK_HEADERS), Refusal.UNSIGNED),
    "a gateway that signs, unsigned on a topic of its name": (
        record(up(), raw_topic("edge").name, CHIRPSTACK_HEADERS),
        Refusal.UNSIGNED,
    ),
    "a gateway of device keys, unsigned on a topic of its name": (
        record(b"21.5", raw_topic("fleet").name, [("treaty-device", b"pump-7")]),
        Refusal.UNSIGNED,
    ),
    "a slug without signature": (record(up(), RAW, [("treaty-gateway", b"edge")]), Refusal.UNSIGNED),
    "headers without values": (
        record(up(), RAW, [("treaty-gateway", None), ("treaty-timestamp", None), ("treaty-signature", None)]),
        Refusal.UNSIGNED,
    ),
    "headers that are no text": (
        record(up(), RAW, [*signed(up()), ("treaty-gateway", b"\xff")]),
        Refusal.UNSIGNED,
    ),
    "another secret": (record(up(), RAW, signed(up(), secret=b"guessed")), Refusal.BAD_SIGNATURE),
    "another value": (record(up() + b" ", RAW, signed(up())), Refusal.BAD_SIGNATURE),
    "another gateway's signature": (
        record(up(), RAW, [*signed(up(), "forwarder"), ("treaty-gateway", b"edge")]),
        Refusal.BAD_SIGNATURE,
    ),
    "another time": (
        record(up(), RAW, [*signed(up()), ("treaty-timestamp", b"%d" % (NOW + 1))]),
        Refusal.BAD_SIGNATURE,
    ),
    "a device the signature does not name": (
        record(up(), RAW, [*signed(up()), ("treaty-device", b"pump-7")]),
        Refusal.BAD_SIGNATURE,
    ),
    "a signature that is none": (
        record(up(), RAW, [*signed(up()), ("treaty-signature", b"v1=")]),
        Refusal.BAD_SIGNATURE,
    ),
    "a signature of non-ASCII bytes": (
        record(up(), RAW, [*signed(up()), ("treaty-signature", b"\xff\x00")]),
        Refusal.BAD_SIGNATURE,
    ),
    "signed, on another gateway's topic": (
        record(up(), raw_topic("forwarder").name, signed(up())),
        Refusal.BAD_SIGNATURE,
    ),
    "a gateway by topic, signing on the shared one": (
        record(up(), RAW, signed(up(), "north")),
        Refusal.BAD_SIGNATURE,
    ),
    "a gateway by topic, with an empty secret": (
        record(up(), RAW, signed(up(), "north", secret=b"")),
        Refusal.BAD_SIGNATURE,
    ),
    "a device that has no key": (
        record(up(), RAW, signed(up(), "fleet", secret=b"", signed_device=EUI)),
        Refusal.BAD_SIGNATURE,
    ),
    "an unknown device by key: nothing is proven, so nothing is parked": (
        record(b"1", RAW, signed(b"1", "fleet", secret=KEY, signed_device="pump-8")),
        Refusal.BAD_SIGNATURE,
    ),
    "one device's key for another device": (
        record(b"1", RAW, signed(b"1", "fleet", secret=KEY, signed_device=EUI)),
        Refusal.BAD_SIGNATURE,
    ),
    "the gateway's secret where devices sign": (
        record(b"1", RAW, signed(b"1", "fleet", headers=[("treaty-device", b"pump-7")])),
        Refusal.BAD_SIGNATURE,
    ),
    "a device key's record that names no device": (
        record(b"1", RAW, signed(b"1", "fleet", secret=KEY)),
        Refusal.UNSIGNED,
    ),
    "a switched-off gateway by topic": (record(up(), raw_topic("old-topic").name), Refusal.GATEWAY_DISABLED),
    "a switched-off gateway by signature": (
        record(up(), RAW, signed(up(), "old-edge")),
        Refusal.GATEWAY_DISABLED,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_pass(case: str):
    found, reason = REFUSED[case]
    assert refusal(found) is reason


def test_a_switched_off_gateway_is_not_told_of_to_who_cannot_sign_as_it():
    assert refusal(record(up(), RAW, signed(up(), "old-edge", secret=b"?"))) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e12", "9" * 16, "१७"])
def test_a_signed_text_that_is_no_time_is_stale(timestamp: str):
    from treaty_events.signing import sign

    from .fleet import SECRET

    headers = [
        ("treaty-gateway", b"edge"),
        ("treaty-timestamp", timestamp.encode()),
        ("treaty-signature", sign(SECRET, "edge", timestamp, b"")),
    ]
    assert refusal(record(b"", RAW, headers)) is Refusal.STALE_SIGNATURE

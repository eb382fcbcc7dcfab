from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_events.deadletter import DEADLETTERED, REFUSED, Failure, Origin, original_headers, reason_headers
from treaty_events.envelope import Envelope
from treaty_events.headers import header
from treaty_events.identity import EventId

ID = EventId(UUID(int=7), 0, 12)
ORIGIN = Origin("uplink.raw.v1", 2, 12)


def test_a_refusal_says_why_where_and_whose() -> None:
    made = reason_headers(
        [("event", b"up")],
        type=REFUSED,
        source="/treaty/ingestion",
        id=ID,
        origin=ORIGIN,
        failure=Failure("unknown_device", "no device 70b3 in workspace w", "route"),
        gateway="g",
        workspace="w",
        device="70b3d57ba0003bb8",
        received_at=1_767_323_045_700,
    )
    assert made == [
        ("event", b"up"),
        ("treaty-original-headers", b"1"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"00000000-0000-0000-0000-000000000007:0:12:0"),
        ("ce_source", b"/treaty/ingestion"),
        ("ce_type", b"treaty.uplink.refused.v1"),
        ("content-type", b"application/octet-stream"),
        ("treaty-reason", b"unknown_device"),
        ("treaty-detail", b"no device 70b3 in workspace w"),
        ("treaty-gateway", b"g"),
        ("treaty-workspace", b"w"),
        ("treaty-device", b"70b3d57ba0003bb8"),
        ("treaty-received-at", b"1767323045700"),
        ("__connect.errors.topic", b"uplink.raw.v1"),
        ("__connect.errors.partition", b"2"),
        ("__connect.errors.offset", b"12"),
        ("__connect.errors.stage", b"route"),
        ("__connect.errors.exception.class.name", b"unknown_device"),
        ("__connect.errors.exception.message", b"no device 70b3 in workspace w"),
    ]


def test_a_dead_letter_names_the_plugin_and_keeps_its_envelope_readable() -> None:
    accepted = Envelope(str(ID), "/treaty/ingestion", "treaty.uplink.accepted.v1").headers()
    made = reason_headers(
        accepted,
        type=DEADLETTERED,
        source="/treaty/normalization",
        id=ID,
        origin=ORIGIN,
        failure=Failure("decode_error", "too short", "decode", "treaty.DecodeError"),
        plugin="decentlab",
        digest="sha256:00",
    )
    assert made[: len(accepted)] == accepted
    assert Envelope.of(made) == Envelope(str(ID), "/treaty/normalization", "treaty.uplink.deadlettered.v1")
    assert header(made, "treaty-plugin") == b"decentlab"
    assert header(made, "treaty-digest") == b"sha256:00"
    assert header(made, "__connect.errors.exception.class.name") == b"treaty.DecodeError"


names = st.sampled_from(["treaty-original-headers", "treaty-reason", "ce_id", "event", "content-type", "x"])
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=20)), max_size=8)


@given(headers, st.text(max_size=2000), st.text(max_size=2000))
def test_the_original_headers_come_back_whatever_they_were(
    original: list[tuple[str, bytes | None]], reason: str, detail: str
) -> None:
    made = reason_headers(
        original, type=REFUSED, source="s", id=ID, origin=ORIGIN, failure=Failure(reason, detail, "s")
    )
    assert original_headers(made) == original
    assert all(value is not None and len(value) <= 1000 for _, value in made[len(original) :])


def test_texts_are_cut_at_a_character() -> None:
    failure = Failure("r", "é" * 501, "s")
    made = reason_headers([], type=REFUSED, source="s", id=ID, origin=ORIGIN, failure=failure)
    assert header(made, "treaty-detail") == ("é" * 500).encode()


@pytest.mark.parametrize("count", [None, b"", b"x", b"-1", b"9"])
def test_what_was_never_refused_has_no_original_headers(count: bytes | None) -> None:
    with pytest.raises(ValueError, match="treaty-original-headers"):
        original_headers([("treaty-original-headers", count)])

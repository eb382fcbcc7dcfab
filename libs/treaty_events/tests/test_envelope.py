import pytest

from treaty_events.envelope import Envelope, EnvelopeError
from treaty_events.headers import header

FULL = Envelope("id:0:1:0", "/treaty/ingestion", "treaty.uplink.accepted.v1", traceparent="00-a-b-01")


def test_the_binary_mode_carries_the_attributes_as_headers() -> None:
    assert FULL.headers() == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"id:0:1:0"),
        ("ce_source", b"/treaty/ingestion"),
        ("ce_type", b"treaty.uplink.accepted.v1"),
        ("content-type", b"application/json"),
        ("traceparent", b"00-a-b-01"),
    ]


def test_it_is_read_back_from_them() -> None:
    assert Envelope.of(FULL.headers()) == FULL


def test_the_last_of_a_repeated_header_counts() -> None:
    headers = [*FULL.headers(), ("ce_id", b"later")]
    assert Envelope.of(headers).id == "later"
    assert header(headers, "ce_id") == b"later"
    assert header(headers, "absent") is None


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type"])
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(EnvelopeError, match=name):
        Envelope.of([one for one in FULL.headers() if one[0] != name])


def test_another_version_is_refused() -> None:
    with pytest.raises(EnvelopeError, match=r"expected 1\.0, got '2\.0'"):
        Envelope.of([("ce_specversion", b"2.0"), *FULL.headers()[1:]])

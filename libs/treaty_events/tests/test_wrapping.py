"""A wrapped message is the real one with another envelope: unwrapped, it says what was asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from treaty_events.networks import (
    NetworkEvent,
    NetworkUplink,
    chirpstack,
    loriot,
    native,
    things_stack,
    unwrap,
)

AT = 1_767_323_045_678
FORMS: dict[str, Any] = {"chirpstack": chirpstack, "loriot": loriot, "things_stack": things_stack}
REAL = sorted(
    case
    for case in Path(__file__).parent.glob("networks/*/*/input.json")
    if case.parent.name.startswith(("up_decentlab", "up_milesight", "rx_milesight", "uplink_milesight"))
)


@pytest.mark.parametrize("case", REAL, ids=lambda c: f"{c.parent.parent.name}-{c.parent.name}")
@pytest.mark.parametrize("data", [None, b"\x01"], ids=["own payload", "another payload"])
def test_only_the_envelope_changes(case: Path, data: bytes | None) -> None:
    network = case.parent.parent.name
    message = json.loads(case.read_bytes())
    before = unwrap(network, case.read_bytes(), [])
    assert isinstance(before, NetworkUplink)

    wrapped = FORMS[network].wrap(
        message, external_id="aabbccddeeff0011", at_ms=AT, counter=77, dedup_id="fresh", data=data
    )
    after = unwrap(network, wrapped.value, wrapped.headers)

    assert isinstance(after, NetworkUplink)
    assert after.external_id == "aabbccddeeff0011"
    assert (after.observed_at, after.counter) == (AT, 77)
    assert after.payload == (before.payload if data is None else data)
    assert (after.f_port, after.link, after.session) == (before.f_port, before.link, before.session)
    assert message == json.loads(case.read_bytes()), "the given message is left as it was"


def test_chirpstack_gives_its_own_key_and_its_one_header() -> None:
    message = {"deviceInfo": {"applicationId": "a1", "devEui": "0" * 16}, "time": "", "data": "", "fCnt": 1}
    wrapped = chirpstack.wrap(message, external_id="00000000000000ab", at_ms=AT, counter=2, dedup_id="d")
    assert wrapped.key == b"application.a1.device.00000000000000ab.event.up"
    assert wrapped.headers == [("event", b"up")]


def test_a_network_event_can_be_wrapped_too() -> None:
    message = {"deviceInfo": {"devEui": "0" * 16}, "time": "", "devAddr": "20000001"}
    wrapped = chirpstack.wrap(
        message, external_id="00000000000000ab", at_ms=AT, counter=2, dedup_id="d", event="join"
    )
    found = unwrap("chirpstack", wrapped.value, wrapped.headers)
    assert isinstance(found, NetworkEvent)
    assert (found.kind, found.external_id, found.observed_at) == ("joined", "00000000000000ab", AT)


def test_the_native_form_carries_its_facts_in_headers() -> None:
    wrapped = native.wrap(b"\x01", external_id="pump-7", at_ms=AT, counter=5, f_port=2)
    assert unwrap("native", wrapped.value, wrapped.headers) == NetworkUplink(
        external_id="pump-7", payload=b"\x01", f_port=2, observed_at=AT, counter=5
    )

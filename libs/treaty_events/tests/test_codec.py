import pytest

from treaty_events import codec
from treaty_events.links import Link, RadioGateway
from treaty_events.readings import Measurement, Provenance, Quality, ReadingNormalized
from treaty_events.uplinks import UplinkAccepted

ACCEPTED = UplinkAccepted(
    device="d",
    workspace="w",
    site="s",
    gateway="g",
    model="decentlab/dl-iam",
    network="chirpstack",
    external_id="70b3d57ba0003bb8",
    received_at=1_767_323_045_678,
    payload=b"\x02\x0b\xbd\x00",
    f_port=1,
    link=Link(-106.0, 3.0, 7, 868300000, 125000, (RadioGateway("fcc23dfffe2e72ed", -106.0, 3.0),)),
)
READING = ReadingNormalized(
    device="d",
    workspace="w",
    site="s",
    gateway="g",
    model="m",
    observed_at="2026-01-02T03:04:05.678Z",
    ordered_at="2026-01-02T03:04:05.678Z",
    received_at="2026-01-02T03:04:05.700Z",
    measurements=(Measurement("air_temperature", 27.5, "Cel", Quality.SUSPECT),),
    properties={"pir": "idle", "open": True, "count": 3},
    provenance=Provenance("decentlab", "1.0.0", "sha256:00", "u:0:1:0"),
)


@pytest.mark.parametrize("event", [ACCEPTED, READING], ids=["uplink", "reading"])
def test_an_event_survives_its_body(event: object) -> None:
    assert codec.decode(type(event), codec.encode(event)) == event


def test_bytes_travel_as_base64() -> None:
    assert b'"payload":"Agu9AA=="' in codec.encode(ACCEPTED)


def test_a_field_of_a_newer_producer_is_ignored() -> None:
    body = codec.encode(ACCEPTED)[:-1] + b',"news":{"a":1}}'
    assert codec.decode(UplinkAccepted, body) == ACCEPTED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "missing required field `device`"),
        (
            codec.encode(ACCEPTED).replace(b'"received_at":1767323045678', b'"received_at":"x"'),
            r"\$.received_at",
        ),
        (b"\xff\xfe", "malformed"),
        (b"[" * 5000, "."),
    ],
    ids=["missing", "of another type", "not JSON", "nested too deeply"],
)
def test_another_body_is_a_body_error_that_says_where(body: bytes, said: str) -> None:
    with pytest.raises(codec.BodyError, match=said):
        codec.decode(UplinkAccepted, body)

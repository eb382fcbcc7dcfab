"""Every shipped plugin reproduces the public data it commits, name by name, through every network."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty import DecodeError, Position, Reading
from treaty.quantities import conversion
from treaty_events.networks import unwrap
from treaty_events.networks.unwrapped import NetworkUplink

from .vectors import (
    PLUGINS,
    Case,
    Names,
    contract,
    corrected,
    corrections,
    decode,
    families,
    payloads,
    uplinks,
)

FAMILIES = families()
CASES = [case for family in FAMILIES for case in (*uplinks(family), *payloads(family))]
NETWORKED = [case for case in CASES if case.network is not None]


def sent(case: Case) -> tuple[bytes, int | None]:
    if case.network is None:
        return bytes.fromhex(case.message["data"]), case.message["fPort"]
    found = unwrap(case.network, json.dumps(case.message).encode(), [])
    assert isinstance(found, NetworkUplink)
    return found.payload, found.f_port


def model(case: Case) -> str:
    return Names.of(case.family).devices[case.device]


def same(ours: object, theirs: object) -> bool:
    if isinstance(theirs, str) or isinstance(ours, str):
        return ours == theirs
    return math.isclose(float(ours), float(theirs), rel_tol=1e-9)  # type: ignore[arg-type]


def flat(reading: Reading) -> dict[str, object]:
    return {**reading.measurements, **reading.properties}


def test_the_shipped_plugins() -> None:
    assert FAMILIES == [
        "decentlab",
        "milesight-am100",
        "milesight-am300",
        "milesight-ct10x",
        "milesight-em300",
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_reproduced(case: Case) -> None:
    names = Names.of(case.family)
    payload, f_port = sent(case)
    if case.error:
        with pytest.raises(DecodeError):
            decode(case.family)(payload, model(case), f_port)
        return
    readings = decode(case.family)(payload, model(case), f_port)
    expected = corrected(case, names)
    assert len(readings) == len(expected)
    for reading, wanted in zip(readings, expected, strict=True):
        found = flat(reading)
        for name, value in wanted.items():
            assert name in found, name
            assert same(found[name], value), f"{name}: {found[name]} is not {value}"
        assert set(found) - set(wanted) <= set(names.added)
    for reading, time in zip(readings[1:], case.times[1:], strict=True):
        assert reading.observed_at is not None
        assert reading.observed_at.timestamp() * 1000 == time


@pytest.mark.parametrize("family", FAMILIES)
def test_no_name_is_unmapped_and_none_mapped_twice(family: str) -> None:
    """Every name of the public data has one place, every place exists, and no entry is there for nothing."""
    names = Names.of(family)
    emits = contract(family)["emits"]
    met = {name for case in CASES if case.family == family for values in case.telemetry for name in values}
    met |= {name for case in CASES if case.family == family for name in case.attributes}
    assert met == set(names.names)
    assert {case.device for case in CASES if case.family == family} == set(names.devices)
    for name, place in names.names.items():
        assert len(place) == 1, name
        ((kind, target),) = place.items()
        if kind == "measurement":
            assert target in emits["measurements"], name
        elif kind == "property":
            assert target in emits["properties"], name
        elif kind == "link":
            assert target in {"rssi", "snr", "spreading_factor", "frequency", "bandwidth"}, name
        else:
            assert kind == "excluded", name
            assert target, name
    assert set(names.devices.values()) <= set(contract(family)["models"])
    for added in names.added:
        assert added in emits["properties"]


@pytest.mark.parametrize("case", NETWORKED, ids=str)
def test_link_facts_are_where_the_map_says(case: Case) -> None:
    """Names mapped to the link are told by the unwrapped message, not by the plugin."""
    names = Names.of(case.family)
    found = unwrap(case.network or "", json.dumps(case.message).encode(), [])
    assert isinstance(found, NetworkUplink)
    told = {**case.attributes, **case.telemetry[0]}
    for name, value in told.items():
        field = names.names[name].get("link")
        if field is not None:
            assert found.link is not None
            assert same(getattr(found.link, field), float(value)), name


@pytest.mark.parametrize(
    "device", sorted({(case.family, case.device) for case in NETWORKED}), ids=lambda device: device[1]
)
def test_one_device_through_several_networks(device: tuple[str, str]) -> None:
    """The same payload gives the same readings whichever network carried it."""
    family, name = device
    by_payload: dict[str, dict[str, list[Reading]]] = {}
    for case in NETWORKED:
        if (case.family, case.device) == device:
            payload, f_port = sent(case)
            by_payload.setdefault(payload.hex(), {})[case.file] = decode(family)(payload, model(case), f_port)
    shared = [found for found in by_payload.values() if len(found) > 1]
    assert shared, name
    for found in shared:
        first, *others = found.values()
        assert all(other == first for other in others)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_correction_is_used_and_cites_its_source(family: str) -> None:
    for correction in corrections(family):
        cases = [
            case
            for case in CASES
            if case.family == family and Path(case.file).match(correction["files"].split("/")[-1])
        ]
        named = {case.name for case in cases}
        assert set(correction["cases"]) <= named
        assert correction["source"]
        assert correction["why"]


def golden() -> list[tuple[str, dict[str, object]]]:
    return [
        (family, case)
        for family in FAMILIES
        for case in json.loads((PLUGINS / family / "vectors" / "golden.json").read_text())["cases"]
    ]


@pytest.mark.parametrize(
    ("family", "case"), golden(), ids=lambda part: part if isinstance(part, str) else part["name"]
)
def test_a_golden_case_is_reproduced_exactly(family: str, case: dict) -> None:
    expected = case["expected"]
    payload = bytes.fromhex(case["payload"])
    if "error" in expected:
        with pytest.raises(DecodeError) as caught:
            decode(family)(payload, case["model"], case["f_port"])
        assert expected["error"] in str(caught.value)
        return
    readings = decode(family)(payload, case["model"], case["f_port"])
    assert len(readings) == len(expected["readings"])
    for reading, wanted in zip(readings, expected["readings"], strict=True):
        assert set(reading.measurements) == set(wanted.get("measurements", {}))
        for name, value in wanted.get("measurements", {}).items():
            assert math.isclose(reading.measurements[name], value, rel_tol=1e-9), name
        assert reading.properties == wanted.get("properties", {})
        assert reading.position == (Position(**wanted["position"]) if "position" in wanted else None)
        assert (reading.observed_at and reading.observed_at.astimezone(UTC)) == (
            datetime.fromisoformat(wanted["observed_at"]) if "observed_at" in wanted else None
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_golden_holds_every_payload_of_the_public_data(family: str) -> None:
    held = {(case["model"], case["payload"]) for name, case in golden() if name == family}
    assert {(model(case), sent(case)[0].hex()) for case in CASES if case.family == family} <= held


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
def test_any_bytes_give_readings_or_a_decode_error(family: str, data: st.DataObject) -> None:
    """Cut, changed and random payloads: declared names with values of the declared types, or DecodeError."""
    promised = contract(family)
    valid = st.sampled_from([bytes.fromhex(case["payload"]) for name, case in golden() if name == family])
    payload = data.draw(
        st.one_of(
            st.binary(max_size=64),
            st.tuples(valid, st.integers(0, 64)).map(lambda cut: cut[0][: cut[1]]),
            st.tuples(valid, valid, st.binary(max_size=4)).map(b"".join),
            st.tuples(valid, st.integers(0, 63), st.integers(0, 255)).map(
                lambda change: bytes(
                    change[2] if at == change[1] else byte for at, byte in enumerate(change[0])
                )
            ),
        )
    )
    chosen = data.draw(st.sampled_from(promised["models"]))
    try:
        readings = decode(family)(payload, chosen)
    except DecodeError:
        return
    assert readings
    for reading in readings:
        for name, value in reading.measurements.items():
            assert name in promised["emits"]["measurements"]
            assert math.isfinite(value)
        for name, value in reading.properties.items():
            declared = promised["emits"]["properties"][name]
            assert (
                type(value)
                is {"string": str, "integer": int, "boolean": bool, "number": float}[declared["type"]]
            )
            assert value in declared.get("values", [value])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_emitted_converts_to_canonical_units(family: str) -> None:
    for promise in contract(family)["emits"]["measurements"].values():
        assert conversion(promise["quantity"], promise["unit"])(1.0) is not None


@pytest.mark.parametrize("family", FAMILIES)
def test_widgets_show_what_is_emitted(family: str) -> None:
    emits = contract(family)["emits"]
    known = {**emits["measurements"], **emits["properties"]}

    def trackers(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["tracker"]] if "tracker" in node else []
            return own + [name for value in node.values() for name in trackers(value)]
        return [name for value in node for name in trackers(value)] if isinstance(node, list) else []

    widget = json.loads((PLUGINS / family / "widget.json").read_text())
    assert widget["version"] == 1
    shown = trackers(widget["layout"])
    assert shown
    assert set(shown) <= set(known)


def test_a_stranger_is_refused_with_what_is_wrong() -> None:
    """The message says what was expected, so that a person can act on the dead letter."""
    for family, payload, chosen, told in [
        ("decentlab", "020bbd00010b", "decentlab/dl-iam", "call for 7 bytes, not 6"),
        ("decentlab", "010bbd00010b92", "decentlab/dl-iam", "protocol version 1, expected 2"),
        ("decentlab", "021b50001f0c25", "decentlab/dl-pm", "is the device of another model?"),
        ("decentlab", "020bbd00010b92", "decentlab/dl-xyz", "is none of decentlab/dl-iam"),
        ("milesight-em300", "0367", "milesight-iot/em300-th", "channel 03 67 at byte 0 needs 2 bytes"),
        ("milesight-ct10x", "aabb01", "milesight-iot/ct101", "channel aa bb is unknown"),
        ("milesight-am300", "", "milesight-iot/am307", "empty"),
    ]:
        with pytest.raises(DecodeError) as caught:
            decode(family)(bytes.fromhex(payload), chosen)
        assert told in str(caught.value)

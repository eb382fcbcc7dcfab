"""Conflation: however the log is cut, the state is the same, and late data never overwrites newer."""

import itertools
import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from treaty_device_registry.telemetry.step import Key, Seen, names, step
from treaty_events.readings import Measurement, Position, Provenance, Quality, ReadingNormalized

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def instant(second):
    return (EPOCH + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reading(device="a", at=0, measurements=None, properties=None, position=None):
    return ReadingNormalized(
        device=device,
        workspace="w",
        site="",
        gateway="g",
        model="acme/m",
        observed_at=instant(at),
        ordered_at=instant(at),
        received_at=instant(at + 1),
        measurements=tuple(Measurement(n, v, "Cel") for n, v in (measurements or {}).items()),
        properties=properties or {},
        provenance=Provenance("acme", "1.0.0", "sha256:0", "u"),
        position=position,
    )


name = st.sampled_from(["x", "y", "z"])
readings = st.builds(
    reading,
    device=st.sampled_from(["a", "b"]),
    at=st.integers(0, 5),
    measurements=st.dictionaries(name, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    properties=st.dictionaries(name, st.booleans() | st.text(max_size=3) | st.integers(), max_size=2),
    position=st.none() | st.builds(Position, st.floats(-90, 90), st.floats(-180, 180)),
)
logs = st.lists(readings, max_size=30).map(lambda log: [Seen(one, n) for n, one in enumerate(log)])


def model(log):
    """The state, said another way: per key the last of all mentions by (ordered_at, offset)."""
    mentions = [(key, latest) for seen in log for key, latest in names(seen)]
    mentions.sort(key=lambda mention: (mention[1].ordered_at, mention[1].offset))
    return dict(mentions)


@given(logs, st.lists(st.integers(0, 30), max_size=5))
def test_any_way_of_cutting_the_log_gives_the_same_state(log, cuts):
    places = sorted({0, len(log), *(cut for cut in cuts if cut <= len(log))})
    state = {}
    for start, end in itertools.pairwise(places):
        state, _ = step(state, log[start:end])
    assert state == model(log)


def upsert(table, new):
    """What the projector's statement does with rows that are new."""
    for key, latest in new.items():
        held = table.get(key)
        if held is None or (held.ordered_at, held.offset) < (latest.ordered_at, latest.offset):
            table[key] = latest


@given(logs, st.integers(1, 7), st.randoms())
def test_batches_begun_with_no_state_may_be_written_in_any_order(log, size, shuffle):
    batches = [log[n : n + size] for n in range(0, len(log), size)]
    shuffle.shuffle(batches)
    table = {}
    for batch in batches:
        _, new = step({}, batch)
        upsert(table, new)
    assert table == model(log)


@given(logs)
def test_a_log_read_again_in_any_order_changes_nothing(log):
    state, _ = step({}, log)
    again, _ = step(state, random.sample(log, len(log)))
    assert again == state


def test_late_data_never_overwrites_newer_and_of_one_moment_the_later_offset_holds():
    log = [
        Seen(reading(at=10, measurements={"x": 1.0}), 0),
        Seen(reading(at=5, measurements={"x": 2.0, "y": 3.0}), 1),
        Seen(reading(at=10, measurements={"x": 4.0}), 2),
    ]
    state, _ = step({}, log)
    assert state[Key("a", "measurement", "x")].value == b"4.0"
    assert state[Key("a", "measurement", "y")].value == b"3.0"


def test_measurements_carry_unit_and_quality_properties_do_not():
    one = reading(measurements={"x": 1.5}, properties={"x": "on"}, position=Position(1.0, 2.0))
    found = dict(names(Seen(one, 7)))
    assert found[Key("a", "measurement", "x")][:3] == (b"1.5", "Cel", Quality.GOOD.value)
    assert found[Key("a", "property", "x")][:3] == (b'"on"', None, None)
    assert found[Key("a", "position", "")].offset == 7

"""A slow subscriber that asked for it gets the latest of each device and name, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from treaty_push_gateway.stream.conflation import Latest

steps = st.lists(
    st.tuples(
        st.sampled_from(["d1", "d2"]),
        st.sets(st.sampled_from(["t", "h", "p"])).map(lambda s: tuple(sorted(s))),
        st.integers(0, 9),
    ),
    max_size=60,
)


def pending(entry, steps):
    latest, log = Latest(), []
    for offset, (device, names, ordered_at) in enumerate(steps):
        log.append(entry(0, offset, device, names=names, ordered_at=ordered_at))
        latest.add(log[-1])
    return latest, log


def winners(entries):
    """The entry that holds each device's name, by `ordered_at` and then by arrival."""
    held = {}
    for e in entries:
        for name in e.names or ("",):
            if (e.device, name) not in held or held[e.device, name].ordered_at <= e.ordered_at:
                held[e.device, name] = e
    return held


@given(steps)
def test_the_latest_of_each_name_is_there_and_nothing_that_is_latest_of_none(entry, steps):
    latest, log = pending(entry, steps)
    taken = list(latest.take(10**9))
    assert {(e.device, e.offset) for e in taken} == {(e.device, e.offset) for e in winners(log).values()}
    assert [e.offset for e in taken] == sorted(e.offset for e in taken)
    assert len(latest) == 0


@given(steps)
def test_memory_is_bounded_by_devices_and_names(entry, steps):
    latest, _ = pending(entry, steps)
    assert len(latest) <= 2 * 4


@given(steps, st.integers(1, 2000))
def test_taken_in_parts_it_is_the_same(entry, steps, limit):
    latest, log = pending(entry, steps)
    parts = []
    while latest:
        part = list(latest.take(limit))
        assert len(part) == 1 or sum(len(e.body) for e in part) <= limit
        parts += part
    assert {e.offset for e in parts} == {e.offset for e in winners(log).values()}


def test_a_subscriber_that_keeps_up_gets_everything(entry):
    latest, got = Latest(), []
    for offset in range(20):
        latest.add(entry(0, offset, ordered_at=offset))
        got += latest.take(10**6)
    assert len(got) == 20

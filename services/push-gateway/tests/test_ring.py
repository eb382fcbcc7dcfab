"""The ring holds the newest entries within its bytes and knows from which position on it has them all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from treaty_push_gateway.stream.cursor import covers
from treaty_push_gateway.stream.place import Place
from treaty_push_gateway.stream.ring import Ring

LIMIT = 20_000


def grown(entry, batches):
    """A ring, and everything that ever went in; every second offset is a gap."""
    ring, log, offsets = Ring(LIMIT), [], [0, 0, 0]
    for batch in batches:
        entries = []
        for partition in batch:
            entries.append(entry(partition, offsets[partition]))
            offsets[partition] += 2
        ring.extend(entries)
        log += entries
    return ring, log


batches = st.lists(st.lists(st.integers(0, 2), max_size=90), max_size=60)


@settings(max_examples=60)
@given(batches)
def test_it_stays_within_its_bytes_and_keeps_the_newest(entry, batches):
    ring, log = grown(entry, batches)
    assert ring.bytes <= LIMIT
    kept = ring.read(ring.first, len(ring))
    assert kept == log[len(log) - len(ring) :]
    assert ring.bytes == sum(e.size for e in kept)
    assert ring.next == len(log)


@settings(max_examples=60)
@given(batches, st.tuples(*[st.integers(0, 400)] * 3))
def test_from_any_position_it_holds_it_has_every_later_entry(entry, batches, position):
    ring, log = grown(entry, batches)
    if ring.holds(position):
        place = Place(position)
        wanted = [e for e in log if place.take(e)]
        place = Place(position)
        start = ring.find(position)
        assert [e for e in ring.read(start, ring.next - start) if place.take(e)] == wanted


def test_looking_for_the_newest_skips_the_rest(entry):
    ring, log = grown(entry, [[0]] * 5000)
    place = Place(())
    for e in log:
        place.take(e)
    assert ring.next - ring.find(place.position) <= 64
    assert ring.first > 4900


def test_what_was_let_go_is_below_the_floor(entry):
    ring, log = grown(entry, [[0, 1]] * 100)
    gone = log[ring.first - 1]
    assert not ring.holds(tuple(gone.offset if p == gone.partition else 10**6 for p in range(2)))
    assert covers((10**6, 10**6), ring.floor)


def test_one_entry_larger_than_the_ring_is_still_held(entry):
    ring = Ring(100)
    ring.extend([entry(0, 0), entry(0, 1, padding=5000)])
    assert [e.offset for e in ring.read(ring.first, 9)] == [1]

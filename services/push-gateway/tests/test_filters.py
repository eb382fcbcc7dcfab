"""An entry reaches exactly the groups whose filter admits it."""

from hypothesis import given
from hypothesis import strategies as st

from treaty_push_gateway.stream.filters import Filter, Group, Groups

some = lambda *items: st.frozensets(st.sampled_from(items), max_size=2)  # noqa: E731
filters = st.builds(
    Filter, st.none() | some("w1", "w2"), some("d1", "d2"), some("m/1", "m/2"), some("t", "h", "power")
)
entries = st.fixed_dictionaries(
    {
        "device": st.sampled_from(["d1", "d2", "d3"]),
        "workspace": st.sampled_from(["w1", "w2", "w3"]),
        "model": st.sampled_from(["m/1", "m/2", "m/3"]),
        "names": st.sets(st.sampled_from(["t", "h"])).map(tuple),
    }
)


@given(st.sets(filters, max_size=12), st.sets(filters, max_size=4), entries)
def test_the_index_finds_what_asking_each_filter_finds(entry, stay, leave, fields):
    groups = Groups()
    for filter in stay | leave:
        groups.add(Group("s1", filter))
    for filter in leave - stay:
        groups.remove(Group("s1", filter))
    found = list(groups.of(entry(0, 0, **fields)))
    assert len(found) == len(set(found))
    assert {g.filter for g in found} == {f for f in stay if f.admits(entry(0, 0, **fields))}


@given(entries)
def test_no_workspaces_at_all_means_nothing(entry, fields):
    assert not Filter(frozenset()).admits(entry(0, 0, **fields))


def test_a_reading_is_wanted_when_any_of_its_names_is(entry):
    wanted = Filter(None, measurements=frozenset({"h"}))
    assert wanted.admits(entry(0, 0, names=("t", "h")))
    assert not wanted.admits(entry(0, 0, names=("t",)))

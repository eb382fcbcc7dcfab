import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_events.identity import EventId

ids = st.builds(
    EventId, st.uuids(), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1)
)


@given(ids)
def test_an_id_survives_its_text(one: EventId) -> None:
    assert EventId.parse(str(one)) == one


@given(ids, st.integers(0, 1000))
def test_the_events_of_one_record_differ_by_index_alone(one: EventId, index: int) -> None:
    assert one.at(index).at(one.index) == one


@given(st.text(max_size=60))
def test_other_text_is_a_value_error(text: str) -> None:
    try:
        found = EventId.parse(text)
    except ValueError:
        return
    assert EventId.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00000000-0000-0000-0000-000000000000:0:1",
        "00000000-0000-0000-0000-000000000000:0:1:2:3",
        "00000000-0000-0000-0000-000000000000:-1:1:0",
        "00000000-0000-0000-0000-000000000000:0:٣:0",
        "not-a-uuid:0:1:2",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|UUID"):
        EventId.parse(text)


def test_ids_of_a_partition_sort_by_offset_then_index() -> None:
    topic = EventId.parse("00000000-0000-0000-0000-000000000000:0:0:0").topic
    found = sorted([EventId(topic, 0, 10), EventId(topic, 0, 9, 1), EventId(topic, 0, 9)])
    assert [(i.offset, i.index) for i in found] == [(9, 0), (9, 1), (10, 0)]

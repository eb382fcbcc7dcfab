import pytest

from treaty_events import topics
from treaty_events.topics import accepted_topic, raw_topic, spec_of, specs, standing_topics, topic


def test_every_named_topic_is_specified() -> None:
    named = {getattr(topics, name) for name in vars(topics) if name.isupper() and not name.startswith("_")}
    assert named == set(specs())


def test_templates_make_topics_of_a_gateway_and_of_a_plugin() -> None:
    assert raw_topic("acme-edge").name == "uplink.raw.acme-edge.v1"
    assert accepted_topic("decentlab").name == "uplink.accepted.decentlab.v1"
    assert accepted_topic("decentlab", partitions=12).partitions == 12


@pytest.mark.parametrize(
    "argument", ["", "a", "Acme", "a.b", "a/b", "-a", "1a", "a" * 64, "<plugin>", "é", "a\n"]
)
def test_names_that_could_not_be_told_apart_again_are_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        accepted_topic(argument)


def test_an_argument_belongs_to_a_template_alone() -> None:
    with pytest.raises(ValueError, match="no argument"):
        topic("uplink.raw.v1", "acme")
    with pytest.raises(ValueError, match="an argument"):
        topic("uplink.raw.<gateway>.v1")
    with pytest.raises(KeyError):
        topic("uplink.elsewhere.v1")


def test_those_that_stand_from_the_start_are_all_but_the_templates() -> None:
    assert {t.name for t in standing_topics()} == {name for name in specs() if "<" not in name}


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("uplink.raw.v1", "uplink.raw.v1"),
        ("uplink.raw.acme-edge.v1", "uplink.raw.<gateway>.v1"),
        ("uplink.accepted.decentlab.v1", "uplink.accepted.<plugin>.v1"),
        ("uplink.accepted.<plugin>.v1", None),
        ("uplink.accepted..v1", None),
        ("uplink.accepted.a b.v1", None),
        ("__consumer_offsets", None),
    ],
)
def test_a_topic_is_told_from_its_name(name: str, spec: str | None) -> None:
    found = spec_of(name)
    assert (None if found is None else found.name) == spec


def test_raw_topics_have_the_brokers_time() -> None:
    """Signatures and lateness are judged by it; a producer's own time could be anything."""
    raw = [spec for name, spec in specs().items() if name.startswith("uplink.raw.")]
    assert {spec.config()["message.timestamp.type"] for spec in raw} == {"LogAppendTime"}


def test_what_is_refused_or_dead_lettered_always_fits() -> None:
    """Reason headers are under 16 KiB; the base64 of a payload is a third longer."""
    room = 16 * 1024
    largest_raw = max(spec.max_message for name, spec in specs().items() if name.startswith("uplink.raw."))
    accepted = specs()["uplink.accepted.<plugin>.v1"].max_message
    assert accepted >= largest_raw * 4 // 3 + room
    assert specs()["uplink.refused.v1"].max_message >= largest_raw + room
    assert specs()["uplink.replay.v1"].max_message >= specs()["uplink.refused.v1"].max_message
    assert specs()["network.reported.v1"].max_message >= largest_raw + room
    assert specs()["uplink.deadletter.v1"].max_message >= accepted + room


def test_views_are_compacted_and_kept_for_ever() -> None:
    for name in ("device.changed.v1", "gateway.changed.v1", "contract.decided.v1"):
        assert specs()[name].config()["cleanup.policy"] == "compact"
        assert specs()[name].config()["retention.ms"] == "-1"
        assert specs()[name].partitions == 1

from __future__ import annotations

import pytest

from treaty_events.decisions import ContractDecided, PluginState
from treaty_normalization.decisions import Orders, in_use, objection, orders

OURS = "sha256:ours"
TOPIC = "uplink.accepted.acme.v1"


def decided(state: PluginState, digest: str = OURS, topic: str | None = TOPIC) -> ContractDecided:
    return ContractDecided(
        "acme", "1.0.0", digest, state, "because", "admin", "2026-01-02T03:04:05.678Z", 1, topic
    )


READ, HELD, NOTHING = frozenset({TOPIC}), frozenset({TOPIC}), frozenset[str]()


@pytest.mark.parametrize(
    ("decision", "read", "held", "says"),
    [
        (None, NOTHING, NOTHING, "no decision on it yet"),
        (decided(PluginState.ADMITTED), READ, NOTHING, None),
        (decided(PluginState.ADMITTED, topic=None), NOTHING, NOTHING, None),
        (
            decided(PluginState.ADMITTED, digest="sha256:other"),
            READ,
            NOTHING,
            "sha256:other is being judged",
        ),
        (decided(PluginState.QUARANTINED), READ, HELD, None),
        (
            decided(PluginState.QUARANTINED, digest="sha256:other"),
            READ,
            HELD,
            "sha256:other is being judged",
        ),
        (decided(PluginState.REFUSED), NOTHING, NOTHING, "refused: because"),
    ],
    ids=[
        "undecided",
        "admitted",
        "admitted, not in use",
        "another digest",
        "quarantined",
        "another's quarantine",
        "refused",
    ],
)
def test_what_is_admitted_is_read_and_a_quarantine_holds_it(
    decision: ContractDecided | None, read: frozenset[str], held: frozenset[str], says: str | None
) -> None:
    decisions = {} if decision is None else {"acme": decision}
    assert orders({"acme": OURS}, decisions) == Orders(read, held)
    assert objection(OURS, decision) == says


def test_decisions_on_plugins_that_are_not_hosted_are_none_of_ours() -> None:
    assert orders({}, {"acme": decided(PluginState.ADMITTED)}) == Orders(NOTHING, NOTHING)


@pytest.mark.parametrize("state", [PluginState.ADMITTED, PluginState.QUARANTINED])
def test_once_the_admitted_package_cannot_be_had_the_one_before_it_is_read_no_more(
    state: PluginState,
) -> None:
    decisions = {"acme": decided(state, digest="sha256:other")}
    assert orders({"acme": OURS}, decisions, {"sha256:other"}) == Orders(NOTHING, NOTHING)


def test_what_was_held_stays_so_until_the_package_that_was_admitted_instead_is_hosted() -> None:
    decisions = {"acme": decided(PluginState.ADMITTED, digest="sha256:fixed")}
    assert orders({"acme": OURS}, decisions, (), HELD) == Orders(READ, HELD)
    assert orders({"acme": "sha256:fixed"}, decisions, (), HELD) == Orders(READ, NOTHING)


@pytest.mark.parametrize(
    ("decision", "used"),
    [
        (decided(PluginState.ADMITTED), True),
        (decided(PluginState.QUARANTINED), True),
        (decided(PluginState.ADMITTED, topic=None), False),
        (decided(PluginState.REFUSED), False),
    ],
    ids=["admitted", "quarantined", "without a topic", "refused"],
)
def test_only_what_a_device_uses_is_hosted(decision: ContractDecided, used: bool) -> None:
    assert in_use(decision) is used

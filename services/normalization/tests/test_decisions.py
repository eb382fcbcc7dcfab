from __future__ import annotations

import pytest

from treaty_events.decisions import ContractDecided, PluginState
from treaty_normalization.decisions import Orders, objection, orders

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
            NOTHING,
            NOTHING,
            "sha256:other is admitted, not sha256:ours",
        ),
        (decided(PluginState.QUARANTINED), READ, HELD, None),
        (
            decided(PluginState.QUARANTINED, digest="sha256:other"),
            NOTHING,
            NOTHING,
            "sha256:other is admitted, not sha256:ours",
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
def test_only_the_admitted_digest_is_read_and_a_quarantine_holds_it(
    decision: ContractDecided | None, read: frozenset[str], held: frozenset[str], says: str | None
) -> None:
    decisions = {} if decision is None else {"acme": decision}
    assert orders({"acme": OURS}, decisions) == Orders(read, held)
    assert objection(OURS, decision) == says


def test_decisions_on_plugins_that_are_not_hosted_are_none_of_ours() -> None:
    assert orders({}, {"acme": decided(PluginState.ADMITTED)}) == Orders(NOTHING, NOTHING)

"""The rules by which decisions follow from one another, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from treaty_contract_governance.plugins.model import (
    WORKERS,
    Verdict,
    Wrong,
    admit,
    heed,
    provide,
    quarantine,
    refuse,
    reinstate,
)
from treaty_events.decisions import (
    BUDGET_EXCEEDED,
    QUARANTINING,
    VECTORS_DIFFER,
    ContractDecided,
    PluginReported,
    PluginState,
)

AT = "2026-01-02T03:04:05.678Z"
NOW = "2026-01-03T00:00:00.000Z"


def judged(package="a", version="1.0.0", admitted=True):
    severity = "warning" if admitted else "error"
    return Verdict(
        verdict="treaty-verdict/v1",
        engine="treaty-contracts/1",
        plugin="decentlab",
        version=version,
        digest="sha256:" + package * 64,
        admitted=admitted,
        findings=[{"code": "P507", "severity": severity, "message": "outside its range"}],
    )


def current(state=PluginState.ADMITTED, package="a", **changed):
    given_ = {"plugin_version": "1.0.0", "reason": "r", "decided_by": "ada", "version": 7, **changed}
    return ContractDecided(
        plugin="decentlab", digest="sha256:" + package * 64, state=state, decided_at=AT, **given_
    )


def test_the_first_admitted_verdict_admits():
    found = admit(None, judged(), "ada", NOW)
    assert (found.state, found.version, found.topic) == (PluginState.ADMITTED, 1, None)
    assert (found.decided_by, found.decided_at) == ("ada", NOW)
    assert "1.0.0" in found.reason


def test_the_same_package_again_decides_nothing():
    now = current()
    assert admit(now, judged(), "bob", NOW) is now


def test_another_package_takes_the_place_and_keeps_the_topic():
    found = admit(current(topic="t"), judged("b", "1.1.0"), "bob", NOW)
    assert (found.plugin_version, found.digest[-1], found.version, found.topic) == ("1.1.0", "b", 8, "t")


def test_an_older_package_may_come_back():
    assert admit(current(package="b"), judged("a"), "bob", NOW).digest[-1] == "a"


def test_a_new_package_does_not_lift_a_quarantine():
    found = admit(current(PluginState.QUARANTINED, reason="drift"), judged("b", "1.1.0"), "bob", NOW)
    assert (found.state, found.reason, found.digest[-1]) == (PluginState.QUARANTINED, "drift", "b")
    assert reinstate(found, "fixed", "ada", NOW).digest[-1] == "b"


def reported(kind=BUDGET_EXCEEDED, package="a", at=NOW):
    return PluginReported(
        "decentlab", "1.0.0", "sha256:" + package * 64, "0", kind, "12 of 20 uplinks broke promises", at
    )


@pytest.mark.parametrize("kind", [BUDGET_EXCEEDED, VECTORS_DIFFER])
def test_a_report_that_asks_for_it_quarantines_the_package(kind):
    assert kind in QUARANTINING
    found = heed(current(), reported(kind), NOW)
    assert (found.state, found.version, found.decided_by) == (PluginState.QUARANTINED, 8, WORKERS)
    assert found.reason == f"{kind}: 12 of 20 uplinks broke promises"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (current(), reported("contract_violation")),
        (current(), reported("attested by 0")),
        (current(package="b"), reported(package="a")),
        (current(), reported(at="2026-01-02T03:04:05.677Z")),
        (current(PluginState.QUARANTINED), reported()),
        (current(PluginState.REFUSED), reported()),
    ],
    ids=["a single violation", "an attestation", "another package", "before the decision", "held", "refused"],
)
def test_other_reports_decide_nothing(now, told):
    assert heed(now, told, NOW) is now


def test_a_quarantine_that_followed_from_reports_ends_with_another_package():
    held = heed(current(topic="t"), reported(), NOW)
    assert admit(held, judged(), "ada", NOW) is held
    found = admit(held, judged("b", "1.0.1"), "ada", NOW)
    assert (found.state, found.digest[-1], found.topic) == (PluginState.ADMITTED, "b", "t")
    assert reinstate(held, "it was the network", "ada", NOW).state is PluginState.ADMITTED


def test_a_person_s_quarantine_on_top_of_it_stands():
    held = quarantine(reinstate(heed(current(), reported(), NOW), "r", "ada", NOW), "my own", "ada", NOW)
    assert admit(held, judged("b", "1.0.1"), "ada", NOW).state is PluginState.QUARANTINED


def test_a_refused_package_is_refused_where_there_is_no_other():
    found = refuse(None, judged(admitted=False), "ada", NOW)
    assert (found.state, found.version) == (PluginState.REFUSED, 1)
    assert "1 error" in found.reason
    assert admit(found, judged(), "ada", NOW).state is PluginState.ADMITTED


@pytest.mark.parametrize("state", [PluginState.ADMITTED, PluginState.QUARANTINED])
def test_a_refused_package_changes_nothing_for_a_plugin_that_has_one(state):
    now = current(state)
    assert refuse(now, judged("b", admitted=False), "ada", NOW) is now


def test_quarantine_and_back():
    held = quarantine(current(topic="t"), "drift", "bob", NOW)
    assert (held.state, held.reason, held.decided_by, held.version) == (
        PluginState.QUARANTINED,
        "drift",
        "bob",
        8,
    )
    assert quarantine(held, "other", "eve", NOW) is held
    back = reinstate(held, "fixed", "ada", NOW)
    assert (back.state, back.reason, back.version, back.topic) == (PluginState.ADMITTED, "fixed", 9, "t")
    assert reinstate(back, "again", "ada", NOW) is back


def test_what_is_refused_neither_pauses_nor_goes_on():
    assert isinstance(quarantine(current(PluginState.REFUSED), "r", "ada", NOW), Wrong)
    assert isinstance(reinstate(current(PluginState.REFUSED), "r", "ada", NOW), Wrong)


def test_a_topic_is_told_once():
    found = provide(current(), "uplink.accepted.decentlab.v1", "governance", NOW)
    assert (found.topic, found.version) == ("uplink.accepted.decentlab.v1", 8)
    assert provide(found, "uplink.accepted.decentlab.v1", "governance", NOW) is found


ACTS = {
    "admit a": lambda now: admit(now, judged("a"), "ada", NOW),
    "admit b": lambda now: admit(now, judged("b"), "ada", NOW),
    "refuse c": lambda now: refuse(now, judged("c", admitted=False), "ada", NOW),
    "quarantine": lambda now: quarantine(now, "r", "ada", NOW) if now else None,
    "reinstate": lambda now: reinstate(now, "r", "ada", NOW) if now else None,
    "provide": lambda now: provide(now, "t", "ada", NOW) if now else None,
}


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=30))
def test_versions_rise_by_one_and_a_topic_stays(acts):
    now = None
    for act in acts:
        then = ACTS[act](now)
        if then is None or isinstance(then, Wrong) or then is now:
            continue
        assert then.version == (now.version if now else 0) + 1
        assert now is None or now.topic in (None, then.topic)
        assert not (now and now.state is PluginState.QUARANTINED and act.startswith(("admit", "refuse"))) or (
            then.state is PluginState.QUARANTINED
        )
        now = then


@pytest.mark.parametrize(
    "changed",
    [
        {"admitted": True},
        {"verdict": "treaty-verdict/v2"},
        {"digest": "sha256:abc"},
        {"plugin": "Decentlab"},
        {"version": "1.0.0\n"},
        {"surprise": 1},
        {"findings": [{"code": "X", "severity": "fatal", "message": ""}]},
    ],
)
def test_a_verdict_of_another_form_is_no_verdict(changed):
    body = judged(admitted=False).model_dump() | changed
    with pytest.raises(ValidationError):
        Verdict.model_validate(body)


def test_what_a_newer_engine_tells_of_a_finding_is_kept():
    body = judged().model_dump()
    body["findings"][0]["hint"] = "narrow \x00 it"
    again = Verdict.model_validate(body)
    assert again.model_dump() == body
    assert "\x00" not in again.canonical()
    assert again.fingerprint() != judged().fingerprint()

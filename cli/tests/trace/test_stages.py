"""What a trace shows and what it never shows."""

from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from treaty_chassis.kafka.work import Record
from treaty_cli.output import plain
from treaty_cli.trace import stages
from treaty_cli.trace.nearest import is_from
from treaty_cli.trace.stages import Outcome, Stage, Trace
from treaty_cli.trace.story import tell

SECRET = b"v1=5ecre7"
HEADERS = st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=300)), max_size=60)


def record(
    value: bytes | None = b"{}", headers=(), topic: str = "uplink.raw.acme.v1", at: int = 1000
) -> Record:
    return Record(topic, 0, 7, at, None, value, headers)


def printed(trace: Trace) -> str:
    out = io.StringIO()
    tell(Console(file=out, highlight=False, soft_wrap=True, width=1000), trace)
    return out.getvalue()


@given(st.binary(max_size=2000))
def test_any_bytes_have_a_short_preview_that_a_terminal_may_be_shown(value):
    found = stages.preview(value)
    assert found.isprintable()
    assert len(found) <= stages.PREVIEW + 1


@given(st.sampled_from(["treaty-signature", "Authorization", "x-api-key", "access_token"]), HEADERS)
def test_no_header_that_proves_or_opens_anything_is_shown(name, others):
    found = stages.raw(record(headers=[(name, SECRET), *others]))
    assert found.facts["headers"][name] == f"left out ({len(SECRET)} bytes)" or name in dict(others)
    assert SECRET.decode() not in str(found.facts["headers"][name])


@given(st.binary(max_size=500), HEADERS, st.text(max_size=50))
def test_any_record_can_be_told_to_people_and_to_programs(value, headers, summary):
    trace = Trace("id", Outcome.REFUSED, plain(summary), (stages.raw(record(value, headers)),))
    assert json.loads(json.dumps(trace.as_dict()))["outcome"] == "refused"
    assert all(line.isprintable() for line in printed(trace).split("\n"))


@given(st.lists(st.none() | st.integers(0, 10**12), max_size=6))
def test_times_between_stages_add_up(times):
    rows = Trace("id", Outcome.READINGS, "", tuple(Stage("s", at) for at in times)).as_dict()
    told = [row for row in rows["stages"] if "at" in row]
    assert sum(row["since_previous_ms"] or 0 for row in told) == (rows["duration_ms"] or 0)
    assert len(told) == sum(at is not None for at in times)


def test_a_refusal_names_a_gateway_only_where_it_was_proven():
    claimed = [("treaty-gateway", b"evil"), ("treaty-original-headers", b"1"), ("treaty-reason", b"unsigned")]
    assert "gateway" not in stages.refused(record(headers=claimed)).facts
    proven = [*claimed, ("treaty-gateway", b"g1")]
    assert stages.refused(record(headers=proven)).facts["gateway"] == "g1"


def test_a_network_servers_json_is_found_by_its_device_in_either_case():
    body = json.dumps({"cmd": "rx", "EUI": "70B3D57BA0000001", "data": "00", "port": 1, "fcnt": 1, "ts": 1})
    assert is_from(record(body.encode()), "70b3d57ba0000001")
    assert is_from(record(body.encode()), "70B3D57BA0000001")
    assert not is_from(record(body.encode()), "70b3d57ba0000002")
    mentioned = json.dumps({"note": "70b3d57ba0000001"})
    assert not is_from(record(mentioned.encode()), "70b3d57ba0000001")


def test_people_are_told_the_outcome_first():
    trace = Trace(
        "u", Outcome.WAITING, "acme is quarantined", (stages.raw(record()), Stage("waiting", facts={
            "for": "normalization", "group": "normalization", "committed": 3, "offset": 5, "ahead": 2})),
    )  # fmt: skip
    lines = printed(trace).splitlines()
    assert lines[0] == "uplink u"
    assert lines[1] == "waiting  acme is quarantined"
    assert any("normalization has committed 3, the record is 5" in line for line in lines)


def test_what_a_device_says_commands_no_terminal():
    body = b'{"properties":{"note":"\\u001b]0;owned\\u0007"}}'
    told = Stage("reading", 1, "reading.normalized.v1", 0, 1, {"properties": {"note": "\x1b]0;owned\x07"}})
    trace = Trace("id", Outcome.READINGS, "1 reading", (stages.raw(record(body)), told))
    assert all(line.isprintable() for line in printed(trace).split("\n"))
    assert "·]0;owned·" in printed(trace)

"""A command makes one downlink or says why it made none, whatever is done to the work meanwhile."""

from __future__ import annotations

import select
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Assigned, Finished, Output, Partition, Record
from treaty_contracts import Contract
from treaty_events.codec import decode, encode
from treaty_events.commands import (
    LONGEST_LIFE_MS,
    CommandProgressed,
    CommandRequested,
    CommandState,
    DownlinkEncoded,
)
from treaty_events.headers import header
from treaty_normalization.downlinks.commands import Seen, UnreadableError, read
from treaty_normalization.downlinks.encoding import CommandMeasures, Encoding
from treaty_normalization.downlinks.offers import offer_of
from treaty_normalization.downlinks.together import Together, WithCommands
from treaty_normalization.downlinks.work import CommandWork
from treaty_normalization.plugins import Plugin
from treaty_normalization.promises import Promises
from treaty_sandbox import Policy, Template

from .test_deduplication import Log

TOPIC = "command.requested.acme.v1"
NOW = 1_767_323_045_700
ENCODER = b"""
from treaty import Downlink, EncodeError
def encode(action):
    seconds = action.arguments["seconds"]
    if seconds == 61:
        raise EncodeError("not 61")
    if seconds == 62:
        raise KeyError("odd")
    if seconds == 63:
        while True: pass
    if seconds == 64:
        return Downlink(b"\\x00" * 243, 1)
    if seconds == 65:
        return Downlink(b"\\x00", 224)
    return Downlink(b"\\xff\\x03" + seconds.to_bytes(2, "little"), 85)
"""
ARGUMENTS = {
    "type": "object",
    "properties": {"seconds": {"type": "integer", "minimum": 60}},
    "required": ["seconds"],
}


def plugin(version: str = "1.0.0", source: bytes = ENCODER, **actions: Any) -> Plugin:
    contract = Contract.model_validate(
        {
            "contract": "treaty/v1",
            "plugin": "acme",
            "version": version,
            "entry": {"decode": "encoder:encode", "encode": "encoder:encode"},
            "actions": actions or {"set_interval": {"arguments": ARGUMENTS, "description": "How often."}},
            # The successor of a child that was ended has a tenth of a core's weight on a busy machine.
            "resources": {"message_deadline_ms": 1_000, "batch_deadline_ms": 20_000},
        }
    )
    files = {"encoder.py": source}
    return Plugin("acme", version, "sha256:" + "a" * 64, contract, Promises(contract), files)


def command(
    seconds: Any = 1200, *, id: str | None = None, life_ms: int = 60_000, **rest: Any
) -> CommandRequested:
    given = {
        "command": id or str(uuid.uuid4()), "device": "d1", "workspace": "w1", "gateway": "g1",
        "external_id": "70b3d57ba0000001", "network": "chirpstack", "model": "acme/one",
        "action": "set_interval", "arguments": {"seconds": seconds}, "requested_at": NOW,
        "expires_at": NOW + life_ms,
    }  # fmt: skip
    return CommandRequested(**(given | rest))


def record(of: CommandRequested | bytes, offset: int = 0, at: int = NOW, id: str | None = None) -> Record:
    value = encode(of) if isinstance(of, CommandRequested) else of
    named = id or (of.command if isinstance(of, CommandRequested) else "")
    return Record(TOPIC, 0, offset, at, b"d1", value, [("ce_id", named.encode())])


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    found = Template()
    yield found
    found.close()


@pytest.fixture
def encoding(template: Template) -> Iterator[Encoding]:
    measures = CommandMeasures(CollectorRegistry())
    found = Encoding(plugin(), template, Policy.BEST_EFFORT, "0", measures)
    yield found
    found.rest()


@pytest.fixture
def work(encoding: Encoding) -> CommandWork:
    found = CommandWork()
    found.host(TOPIC, encoding)
    found.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    return found


def collect(work: CommandWork, count: int, now_ms: int = NOW) -> list[Finished]:
    found: list[Finished] = []
    deadline = time.monotonic() + 90
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        found += work.collect(now_ms)
        if len(found) < count:
            select.select(work.filenos(), [], [], 0.02)
    return found


def told(outputs: Sequence[Output]) -> CommandProgressed:
    (found,) = [o for o in outputs if o.topic == "command.progressed.v1"]
    return decode(CommandProgressed, found.value or b"")


def downlinks(finished: Sequence[Finished]) -> list[DownlinkEncoded]:
    outputs = [o for f in finished for o in f.outputs if o.topic == "downlink.encoded.v1"]
    return [decode(DownlinkEncoded, o.value or b"") for o in outputs]


def test_a_command_becomes_a_downlink_and_a_report_under_its_own_id(work: CommandWork) -> None:
    asked = command(1200)
    work.submit([record(asked)], NOW)
    [found] = collect(work, 1, NOW + 5)
    assert {header(o.headers, "ce_id") for o in found.outputs} == {asked.command.encode()}
    assert {o.key for o in found.outputs} == {b"d1"}
    [downlink] = downlinks([found])
    assert (downlink.payload, downlink.f_port, downlink.confirmed) == (b"\xff\x03\xb0\x04", 85, False)
    assert (downlink.encoded_at, downlink.expires_at) == (NOW + 5, asked.expires_at)
    assert told(found.outputs).state is CommandState.ENCODED


def test_what_becomes_of_a_command_is_of_the_trace_of_its_request(work: CommandWork) -> None:
    traceparent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    plain = record(command(1200))
    traced = Record(TOPIC, 0, 1, NOW, b"d1", encode(asked := command(600)), [
        ("ce_id", asked.command.encode()), ("traceparent", traceparent),
    ])  # fmt: skip
    work.submit([plain, traced], NOW)
    first, second = collect(work, 2, NOW + 5)
    assert {header(o.headers, "traceparent") for o in first.outputs} == {None}
    assert {header(o.headers, "traceparent") for o in second.outputs} == {traceparent}
    assert {o.topic for o in second.outputs} == {"command.progressed.v1", "downlink.encoded.v1"}


@pytest.mark.parametrize(
    ("asked", "reason", "said"),
    [
        (command(61), "encode_error", "not 61"),
        (command(62), "contract_violation", "KeyError"),
        (command(63), "deadline_exceeded", ""),
        (command(64), "contract_violation", "243 bytes; 242 at most"),
        (command(65), "contract_violation", "port 224"),
        (command(1), "invalid_arguments", "1 is less than the minimum of 60"),
        (command(action="reboot"), "unknown_action", "no action 'reboot'"),
    ],
)
def test_what_cannot_be_encoded_fails_with_its_reason(
    work: CommandWork, asked: CommandRequested, reason: str, said: str
) -> None:
    work.submit([record(asked, 0), record(command(), 1)], NOW)
    failed, good = collect(work, 2)
    report = told(failed.outputs)
    assert (report.state, report.reason) == (CommandState.FAILED, reason)
    assert said in report.detail
    assert downlinks([failed]) == []
    assert len(downlinks([good])) == 1


def test_what_speaks_against_the_plugin_is_reported_to_governance(work: CommandWork) -> None:
    work.submit([record(command(62))], NOW)
    [found] = collect(work, 1)
    assert [o.topic for o in found.outputs] == ["command.progressed.v1", "plugin.reported.v1"]


def test_a_command_that_is_too_old_when_read_expires_without_waking_the_child(work: CommandWork) -> None:
    work.submit([record(command(life_ms=1000))], NOW + 1000)
    [found] = work.collect(NOW + 1000)
    assert told(found.outputs).state is CommandState.EXPIRED
    assert work.filenos() == []


def test_a_command_that_grows_too_old_in_the_childs_hands_expires(work: CommandWork) -> None:
    work.submit([record(command(life_ms=1000))], NOW)
    [found] = collect(work, 1, NOW + 1000)
    assert told(found.outputs).state is CommandState.EXPIRED
    assert downlinks([found]) == []


def test_the_same_command_again_makes_nothing(work: CommandWork) -> None:
    asked = command()
    work.submit([record(asked, 0), record(asked, 1), record(command(), 2)], NOW)
    found = collect(work, 3)
    assert [len(f.outputs) for f in found] == [2, 0, 2]


def test_whoever_takes_the_partition_over_knows_what_came_before(work: CommandWork) -> None:
    asked = command()
    before, repeat = record(asked, 0), record(asked, 1, NOW + 5)
    work.revoked([Partition(TOPIC, 0)])
    work.assigned([Assigned(Partition(TOPIC, 0), 1)], Log([before, repeat]))
    work.submit([repeat], NOW)
    assert [f.outputs for f in collect(work, 1)] == [()]


def test_after_a_reset_the_same_commands_come_again_and_are_not_repeats(work: CommandWork) -> None:
    given = [record(command(), n) for n in range(3)]
    work.submit(given, NOW)
    work.reset()
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log(list(given)))
    work.submit(given, NOW)
    found = collect(work, 3)
    assert [f.record for f in found] == given
    assert len(downlinks(found)) == 3


def test_a_revoked_partitions_commands_never_come_back(work: CommandWork) -> None:
    work.submit([record(command(63))], NOW)
    work.revoked([Partition(TOPIC, 0)])
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert not work.collect(NOW)
        select.select(work.filenos(), [], [], 0.05)


def test_a_new_version_encodes_from_the_next_batch_on(work: CommandWork, encoding: Encoding) -> None:
    encoding.upgrade(plugin("2.0.0", reboot={"arguments": {}}))
    work.submit([record(command())], NOW)
    report = told(collect(work, 1)[0].outputs)
    assert (report.plugin_version, report.reason) == ("2.0.0", "unknown_action")


@pytest.mark.parametrize(
    "bad", [b"", b"{}", b"not json", encode(command(id="no uuid")), encode(command(id=str(uuid.UUID(int=1))))]
)
def test_what_is_no_command_is_a_dead_letter_with_its_bytes(work: CommandWork, bad: bytes) -> None:
    work.submit([record(bad, id="another")], NOW)
    [found] = collect(work, 1)
    assert (found.outputs[0].topic, found.outputs[0].value) == ("uplink.deadletter.v1", bad)
    assert header(found.outputs[0].headers, "treaty-reason") == b"unreadable_command"


def test_what_the_broker_refuses_is_told_of_the_command(work: CommandWork) -> None:
    report = decode(CommandProgressed, work.dead_letter(record(command()), "x", "too large").value or b"")
    assert (report.state, report.reason, report.detail) == (
        CommandState.FAILED,
        "output_rejected",
        "too large",
    )


def test_an_offer_is_the_contracts_actions() -> None:
    offer = offer_of(plugin())
    assert offer.actions["set_interval"].arguments == ARGUMENTS
    assert offer.actions["set_interval"].description == "How often."
    assert offer.digest == "sha256:" + "a" * 64


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_are_read_as_a_command_by_mistake(value: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(record(value))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3 * LONGEST_LIFE_MS)), max_size=60))
def test_within_a_day_a_command_is_new_once_whatever_the_clocks_do(events: list[tuple[int, int]]) -> None:
    seen, held, latest = Seen(), dict[int, int](), 0
    for which, at in events:
        latest = max(latest, at)
        expected = which in held and held[which] >= latest - LONGEST_LIFE_MS
        found = seen.repeats(str(which), at)
        if latest == at:
            assert found == expected
        held.setdefault(which, at)
        if not found:
            held[which] = at


class _Runner:
    def __init__(self) -> None:
        self.calls: list[tuple[str, set[str]]] = []

    def subscribe(self, topics: Any) -> None:
        self.calls.append(("subscribe", set(topics)))

    def pause(self, topics: Any) -> None:
        self.calls.append(("pause", set(topics)))

    def resume(self, topics: Any) -> None:
        self.calls.append(("resume", set(topics)))


def test_a_plugins_commands_are_read_and_held_as_its_uplinks_are(work: CommandWork) -> None:
    runner = _Runner()
    both = WithCommands(runner, work)
    uplinks = {"uplink.accepted.acme.v1", "uplink.accepted.other.v1"}
    both.subscribe(uplinks)
    both.pause({"uplink.accepted.acme.v1"})
    both.resume({"uplink.accepted.other.v1"})
    assert runner.calls == [
        ("subscribe", uplinks | {TOPIC}),
        ("pause", {"uplink.accepted.acme.v1", TOPIC}),
        ("resume", {"uplink.accepted.other.v1"}),
    ]


def test_under_one_runner_each_record_goes_to_its_own_work(work: CommandWork) -> None:
    uplinks = CommandWork()
    together = Together(uplinks, work)
    together.submit([record(command())], NOW)
    deadline = time.monotonic() + 90
    found: list[Finished] = []
    while not found and time.monotonic() < deadline:
        found += together.collect(NOW)
        select.select(together.filenos(), [], [], 0.02)
    assert len(downlinks(found)) == 1
    together.revoked([Partition(TOPIC, 0)])
    together.reset()

"""Records that cannot go on, and offsets whose records are gone: said aloud, not looped on, not skipped."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.runner import Options
from treaty_chassis.kafka.sizes import TRUNCATED
from treaty_chassis.kafka.topics import admin
from treaty_chassis.kafka.work import Output, PureWork, Record
from treaty_events.headers import header

from .broker import PATIENCE_S, Spec, create, produce, read, unique, values, wait_for
from .conftest import Flow
from .copying import copying


def test_an_output_too_large_for_its_topic_becomes_a_dead_letter_before_any_produce(flow: Flow) -> None:
    def step(state: None, batch: Sequence[Record], now_ms: int) -> tuple[None, list[list[Output]]]:
        return state, [
            [Output(flow.out, r.key, (r.value or b"") * (400 if r.value == b"bomb" else 1))] for r in batch
        ]

    def dead_letter(record: Record, reason: str, detail: str) -> Output:
        return Output(flow.dead, record.key, record.value, [("reason", reason.encode())])

    flow.runner(PureWork(step, lambda: None, dead_letter), flow.client(), lambda _: 1500)
    produce(flow.servers, flow.source, [b"1", b"bomb", b"2"], lambda _: b"one key")
    wait_for(lambda: len(read(flow.servers, flow.out)) == 2, "what is not too large")
    (dead,) = read(flow.servers, flow.dead)
    assert (dead.key, dead.value) == (b"one key", b"bomb")
    assert header(dead.headers, "reason") == b"output_too_large"
    assert len(read(flow.servers, flow.out, "read_uncommitted")) == 2, "nothing was aborted for it"


def test_what_the_broker_refuses_is_found_alone_and_let_past_as_a_truncated_dead_letter(flow: Flow) -> None:
    """The topics are narrower than they are believed to be, so only the broker can tell."""
    narrow, dead = unique("narrow"), unique("dead")
    create(flow.servers, Spec(narrow, 2, {"max.message.bytes": "1000"}), Spec(dead))
    good = [b"%d" % n for n in range(200)]
    bomb = b"x" * 5000
    produce(flow.servers, flow.source, [*good[:100], bomb, *good[100:]], lambda v: v[-1:])
    limits = {narrow: 1 << 20, dead: 2000}
    runner = flow.runner(copying(narrow, dead), flow.client(), limits.__getitem__)
    wait_for(lambda: len(read(flow.servers, dead)) == 1, "the dead letter")
    wait_for(lambda: len(read(flow.servers, narrow)) >= 200, "all the others")
    assert values(read(flow.servers, narrow)) == sorted(good)
    (letter,) = read(flow.servers, dead)
    assert header(letter.headers, "reason") == b"output_rejected"
    assert b"MSG_SIZE_TOO_LARGE" in (header(letter.headers, "detail") or b"")
    assert bomb.startswith(letter.value or b"-")
    assert header(letter.headers, TRUNCATED) == b"5000"
    wait_for(lambda: runner.check() is None, "the runner's health")


def test_records_that_retention_took_before_they_were_read_are_an_alarm_and_not_a_skip(flow: Flow) -> None:
    first = flow.runner(copying(flow.out, flow.dead), flow.client())
    produce(flow.servers, flow.source, [b"1"], lambda _: b"key")
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"1"], "the first copy")
    first.stop()
    wait_for(lambda: flow.codes == [0], "the end of the first process")
    produce(flow.servers, flow.source, [b"2", b"3"], lambda _: b"key")
    ((number, offset),) = {
        (r.partition, r.offset) for r in read(flow.servers, flow.source) if r.value == b"3"
    }
    place = TopicPartition(flow.source, number, offset)
    client = admin(flow.servers)
    client.delete_records([place])[place].result(PATIENCE_S)

    again = flow.runner(copying(flow.out, flow.dead), flow.client())
    wait_for(lambda: "stranded" in (again.check() or ""), "the alarm")
    other = next(k for k in (b"%d" % n for n in range(50)) if _partition(k) != number)
    produce(flow.servers, flow.source, [b"4"], lambda _: other)
    wait_for(lambda: b"4" in values(read(flow.servers, flow.out)), "the other partition's copy")
    assert values(read(flow.servers, flow.out)) == [b"1", b"4"]


def test_retention_that_takes_only_markers_strands_nobody(flow: Flow) -> None:
    """The source is another runner's output, so that its last record is followed by a marker."""
    upstream, far = unique("upstream"), unique("far")
    create(flow.servers, Spec(upstream), Spec(far))
    feeding = flow.runner(copying(flow.source, flow.dead), flow.client("up"), source=upstream)
    produce(flow.servers, upstream, [b"1", b"2", b"3"])
    first = flow.runner(copying(far, flow.dead), flow.client("down"), options=Options(carry_s=0.5))
    wait_for(lambda: len(read(flow.servers, far)) == 3, "the first copies")
    client = admin(flow.servers)
    places = [TopicPartition(flow.source, number) for number in range(2)]
    probe = Consumer({"bootstrap.servers": flow.servers, "group.id": flow.group})
    ends = {p.partition: probe.get_watermark_offsets(p, timeout=PATIENCE_S)[1] for p in places}

    def carried() -> bool:
        found = probe.committed(places, timeout=PATIENCE_S)
        return all(p.offset == ends[p.partition] for p in found if ends[p.partition])

    wait_for(carried, "the markers to be passed")
    probe.close()
    gone = [TopicPartition(flow.source, number, end) for number, end in ends.items() if end]
    for future in client.delete_records(gone).values():
        future.result(PATIENCE_S)
    first.stop()
    wait_for(lambda: flow.codes == [0], "the end of the first process")

    again = flow.runner(copying(far, flow.dead), flow.client("down"))
    produce(flow.servers, upstream, [b"4"])
    wait_for(lambda: len(read(flow.servers, far)) == 4, "what came after")
    wait_for(lambda: again.check() is None, "nobody to be stranded")
    assert feeding.check() is None


def _partition(key: bytes) -> int:
    from confluent_kafka import consistent  # librdkafka's default partitioner, which produce() uses

    return consistent(key, 2)

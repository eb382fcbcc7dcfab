"""kill -9 at the worst moment, and what a successor finds."""

from __future__ import annotations

from collections.abc import Callable

from treaty_chassis.kafka import config

from .broker import PATIENCE_S, produce, read, values, wait_for
from .conftest import Flow

SESSION_S: float = config.consumer("", "", "")["session.timeout.ms"] / 1000


def test_killed_between_produce_and_commit_twenty_times_nothing_is_lost_or_repeated(flow: Flow) -> None:
    sent = 0

    def more(count: int) -> bool:
        nonlocal sent
        produce(flow.servers, flow.source, (b"%d" % n for n in range(sent, sent + count)))
        sent += count
        return True

    for attempt in range(20):
        more(50)
        process = flow.process(die_in=attempt % 3 + 1)
        # Records go on coming, so that there is a second and a third transaction to die in.
        wait_for(lambda process=process: process.poll() is not None or not more(1), "the process's death")  # type: ignore[misc]
        assert process.returncode == -9
    last = flow.process()
    wait_for(lambda: len(read(flow.servers, flow.out)) >= sent, "every record's copy")
    last.terminate()
    assert last.wait(PATIENCE_S) == 0
    expected = sorted(b"%d" % n for n in range(sent))
    assert values(read(flow.servers, flow.out)) == expected
    aborted = len(read(flow.servers, flow.out, "read_uncommitted")) - sent
    assert aborted >= 20, "every kill left records behind that nobody may see"


def test_a_restarted_process_resumes_within_two_seconds(flow: Flow) -> None:
    """Or, where the machine is too busy for that, within two of its first starts: never does it wait for its
    predecessor's session to end, as it would without static membership. The quickest of three."""

    def copied(count: int) -> Callable[[], bool]:
        return lambda: len(read(flow.servers, flow.out)) == count

    produce(flow.servers, flow.source, [b"0"])
    running = flow.process()
    first_start = wait_for(copied(1), "the first copy")
    took = []
    for restart in range(1, 4):
        running.kill()
        running.wait()
        produce(flow.servers, flow.source, [b"%d" % restart])
        running = flow.process()
        took.append(wait_for(copied(restart + 1), "the next copy"))
    print(f"first start {first_start:.2f} s, resumed after {', '.join(f'{t:.2f}' for t in took)} s")
    assert min(took) < min(max(2.0, 2 * first_start), SESSION_S - 5)


def test_the_older_of_two_processes_in_a_slot_exits_fenced(flow: Flow) -> None:
    old = flow.process()
    produce(flow.servers, flow.source, [b"1"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"1"], "the first copy")
    flow.process()
    produce(flow.servers, flow.source, [b"2"])
    assert old.wait(PATIENCE_S) == 73
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"1", b"2"], "the second copy")

"""Each attack is contained, and succeeds once what contains it is taken away."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from treaty_sandbox import (
    ALL_MECHANISMS,
    ChildRefusedError,
    Failed,
    Host,
    Limits,
    Mechanism,
    Ok,
    Policy,
    ReadingValues,
    Run,
    Template,
    decoding_target,
    run,
)
from treaty_sandbox.confinement.landlock import abi
from treaty_sandbox.confinement.syscalls import current

HOSTILE = {"hostile.py": (Path(__file__).parent / "hostile.py").read_bytes()}
ROOMY = Limits(memory=64 << 20, message_deadline=30_000, batch_deadline=60_000)
LANDLOCK, SECCOMP, RLIMITS = Mechanism.LANDLOCK, Mechanism.SECCOMP, Mechanism.RLIMITS
Readings = list[ReadingValues]


def attempt(
    template: Template, payload: str, without: Collection[Mechanism] = (), limits: Limits = ROOMY
) -> Run[Readings]:
    target = decoding_target(HOSTILE, "hostile:decode", environment={"DECLARED": "1"})
    policy = Policy.BEST_EFFORT if without else Policy.STRICT
    message = (payload.encode(), 1, "acme/one", "text/plain", 0)
    mechanisms = ALL_MECHANISMS - set(without)
    return run(template, target, [message], Readings, limits=limits, policy=policy, mechanisms=mechanisms)


def got(found: Run[Readings]) -> str:
    """What the attack says it got, or how the child ended."""
    [reply] = found.replies
    if isinstance(reply, Failed):
        return f"{reply.kind}: {reply.detail}"
    assert isinstance(reply, Ok)
    return str(reply.value[0].properties["got"])


@pytest.fixture
def victim() -> Iterator[int]:
    """A process of the same user that only sleeps."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@dataclass(frozen=True)
class Attack:
    """`layers`: each of them alone contains it; with all of them gone it succeeds."""

    payload: str
    layers: tuple[Mechanism, ...]
    succeeds: str


def landlock_from(version: int) -> tuple[Mechanism, ...]:
    """Landlock as a layer, on kernels whose ABI has what is needed of it."""
    architecture = current()
    return (LANDLOCK,) if architecture is not None and abi(architecture) >= version else ()


PRIVILEGED = "CapEff:\t0000000000000000" not in Path("/proc/self/status").read_text()
TRACING = (SECCOMP, LANDLOCK, *([Mechanism.CAPABILITIES] if PRIVILEGED else []))
"""Only a privileged victim is out of reach of a process that gave its capabilities up."""

ATTACKS = {
    "connects to a TCP port": Attack("tcp {port}", (SECCOMP, *landlock_from(4)), "connected"),
    "connects to an abstract socket": Attack("abstract {name}", (SECCOMP, *landlock_from(6)), "connected"),
    "writes a file": Attack("write {folder}/new", (SECCOMP, LANDLOCK, RLIMITS), "written"),
    "removes a file": Attack("remove {folder}/file", (SECCOMP, LANDLOCK), "removed"),
    "reads the password file": Attack("read /etc/passwd", (LANDLOCK,), "read "),
    "reads another file of the project": Attack("read {project}", (LANDLOCK,), "read "),
    "reads the supervisor's command line": Attack("read /proc/{parent}/cmdline", (LANDLOCK,), "read "),
    "lists a folder": Attack("listing {folder}", (LANDLOCK,), "listed "),
    "signals another process": Attack("kill {victim}", (SECCOMP, *landlock_from(6)), "killed"),
    "traces another process": Attack("ptrace {victim}", TRACING, "attached"),
    "runs a program": Attack(
        "shell {folder}/ran", (SECCOMP, LANDLOCK), "child_crashed: the channel closed; exited"
    ),
    "forks": Attack("forks 20", (SECCOMP,), "forked 20"),
    "starts threads": Attack("threads 50", (SECCOMP,), "started 50"),
    "takes all memory": Attack("memory 300", (RLIMITS,), "took "),
    "maps executable memory": Attack("executable", (SECCOMP,), "mapped"),
}


@pytest.fixture
def payload(request: pytest.FixtureRequest, tmp_path: Path, victim: int, listener: int) -> Iterator[str]:
    """The attack's payload with real things to attack in it."""
    attack = ATTACKS[request.param]
    (tmp_path / "file").write_text("x")
    name = f"treaty-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        yield attack.payload.format(
            port=listener, name=name, folder=tmp_path, project=__file__, parent=os.getpid(), victim=victim
        )


@pytest.mark.parametrize("payload", ATTACKS, indirect=True)
def test_contained(template: Template, payload: str, request: pytest.FixtureRequest) -> None:
    attack = ATTACKS[request.node.callspec.params["payload"]]
    assert not got(attempt(template, payload)).startswith(attack.succeeds)


CASES = [
    (name, layer) for name, attack in ATTACKS.items() if len(attack.layers) > 1 for layer in attack.layers
]


@pytest.mark.parametrize(("payload", "layer"), CASES, indirect=["payload"])
def test_contained_by_each_layer_alone(
    template: Template, payload: str, layer: Mechanism, request: pytest.FixtureRequest
) -> None:
    attack = ATTACKS[request.node.callspec.params["payload"]]
    others = set(attack.layers) - {layer}
    assert not got(attempt(template, payload, others)).startswith(attack.succeeds)


@pytest.mark.parametrize("payload", ATTACKS, indirect=True)
def test_succeeds_without_its_layers(
    template: Template, payload: str, request: pytest.FixtureRequest
) -> None:
    attack = ATTACKS[request.node.callspec.params["payload"]]
    memory_for_stacks = {RLIMITS}
    assert got(attempt(template, payload, {*attack.layers, *memory_for_stacks})).startswith(attack.succeeds)


FORBIDDEN_CALLS = [
    "bpf", "execveat", "io_uring_setup", "keyctl", "memfd_create", "mount", "perf_event_open", "pivot_root",
    "process_vm_readv", "process_vm_writev", "ptrace", "setns", "unshare", "userfaultfd",
]  # fmt: skip


@pytest.mark.parametrize("call", FORBIDDEN_CALLS)
def test_a_forbidden_call_kills_and_without_the_filter_does_not(template: Template, call: str) -> None:
    architecture = current()
    assert architecture is not None
    payload = f"syscall {architecture.numbers[call]} -1"
    assert got(attempt(template, payload)) == "child_crashed: the channel closed; killed by SIGSYS"
    assert got(attempt(template, payload, [SECCOMP])).startswith("returned")


def test_a_loop_is_ended_at_its_deadline_and_not_without_one(template: Template) -> None:
    strict = Limits(message_deadline=100, batch_deadline=600_000)
    assert got(attempt(template, "spin", limits=strict)).startswith("deadline_exceeded")
    generous = Limits(message_deadline=60_000, batch_deadline=60_000, cpu_seconds=1)
    assert "SIGKILL" in got(attempt(template, "spin", limits=generous))


def test_floods_of_stdout_and_stderr_go_nowhere(
    template: Template, capfd: pytest.CaptureFixture[str]
) -> None:
    assert got(attempt(template, "flood")) == "flooded"
    # A client that another test left may have a line of its own to say.
    heard = "".join(capfd.readouterr())
    assert "x" * 100 not in heard
    assert "y" * 100 not in heard


def test_a_native_crash_is_the_childs_alone(template: Template) -> None:
    assert got(attempt(template, "crash")) == "child_crashed: the channel closed; killed by SIGSEGV"


@pytest.mark.parametrize("how", ["token", "many", "none"])
def test_a_forged_answer_is_not_believed(template: Template, how: str) -> None:
    assert got(attempt(template, f"forge {how}")).split(":")[0] in {"child_crashed", "malformed_output"}


def test_forged_bytes_are_not_believed(template: Template) -> None:
    assert got(attempt(template, "bytes_on_the_channel")).startswith("output_too_large")


def test_a_forged_answer_to_its_own_batch_is_only_its_own_answer_and_costs_it_the_child(
    template: Template,
) -> None:
    target = decoding_target(HOSTILE, "hostile:decode", environment={"DECLARED": "1"})
    host: Host[Readings] = Host(template, target, Readings, limits=ROOMY)
    try:
        values = [drive(host, payload) for payload in ("forge twice", "environment", "environment")]
    finally:
        host.close()
    assert values[0] in {"forged", "child_crashed"}
    assert values[1:] == ["DECLARED", "DECLARED"]
    assert host.restarts == 1


def test_who_answers_for_more_than_it_was_asked_is_convicted_and_its_neighbours_are_answered(
    template: Template,
) -> None:
    target = decoding_target(HOSTILE, "hostile:decode")
    payloads = ("descriptors", "forge more", "descriptors")
    ran = run(
        template,
        target,
        [(payload.encode(), 1, "acme/one", "text/plain", 0) for payload in payloads],
        Readings,
        limits=ROOMY,
    )
    assert [isinstance(reply, Ok) for reply in ran.replies] == [True, False, True]
    assert ran.replies[1] == Failed("malformed_output", "expected 1 replies")


def drive(host: Host[Readings], payload: str) -> str:
    deadline = time.monotonic() + 90
    host.submit([(payload.encode(), 1, "acme/one", "text/plain", 0)], time.monotonic())
    while (done := host.poll(time.monotonic())) is None:
        assert time.monotonic() < deadline
        wait_for(host)
    [reply] = done.replies
    return reply.kind if isinstance(reply, Failed) else str(reply.value[0].properties["got"])


def wait_for(host: Host[Readings]) -> None:
    select.select([descriptor for descriptor, _, _ in host.waits()], [], [], 0.05)


def test_code_that_spins_on_after_its_answer_dies_of_its_cpu_limit(template: Template) -> None:
    target = decoding_target(HOSTILE, "hostile:decode")
    host: Host[Readings] = Host(template, target, Readings, limits=Limits(cpu_seconds=1))
    try:
        assert drive(host, "forge spin") == "forged"
        until(lambda: host.poll(time.monotonic()) is None and host.restarts == 1)
    finally:
        host.close()


def test_only_the_channel_is_open_and_without_closing_there_is_more(template: Template) -> None:
    assert got(attempt(template, "descriptors")) == "1 open"
    assert got(attempt(template, "descriptors", [Mechanism.DESCRIPTORS])) != "1 open"


def test_the_environment_is_what_is_declared_and_without_clearing_it_is_more(template: Template) -> None:
    assert got(attempt(template, "environment")) == "DECLARED"
    assert got(attempt(template, "environment", [Mechanism.ENVIRONMENT])) != "DECLARED"


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.01)


@pytest.fixture
def living(template: Template) -> Iterator[Callable[..., int]]:
    """living(without): the process id of a child that spins, confined without those mechanisms."""
    hosts: list[Host[Readings]] = []

    def start(*without: Mechanism, template: Template = template) -> int:
        policy = Policy.BEST_EFFORT if without else Policy.STRICT
        limits = Limits(message_deadline=60_000, batch_deadline=60_000)
        target = decoding_target(HOSTILE, "hostile:decode")
        mechanisms = ALL_MECHANISMS - set(without)
        host: Host[Readings] = Host(
            template, target, Readings, limits=limits, policy=policy, mechanisms=mechanisms
        )
        hosts.append(host)
        until(lambda: host.poll(time.monotonic()) is None and host.ready)
        host.submit([(b"spin", 1, "acme/one", "text/plain", 0)], time.monotonic())
        child = host._child
        assert child is not None
        until(lambda: child.progress == 1)
        assert child.pid is not None
        return child.pid

    yield start
    for host in hosts:
        host.close()


def test_the_kernel_agrees_with_what_is_reported(living: Callable[..., int]) -> None:
    found = status(living())
    none = "0" * 16
    assert (found["NoNewPrivs"], found["Seccomp"], found["Threads"]) == ("1", "2", "1")
    assert (found["CapInh"], found["CapPrm"], found["CapEff"], found["CapAmb"]) == (none,) * 4
    if PRIVILEGED:
        assert found["CapBnd"] == none


@pytest.mark.parametrize(
    ("mechanism", "field"),
    [(Mechanism.CAPABILITIES, "CapEff"), (SECCOMP, "Seccomp")],
)
def test_the_kernel_sees_what_is_left_out(
    living: Callable[..., int], mechanism: Mechanism, field: str
) -> None:
    assert status(living(mechanism))[field] == status(os.getpid())[field]


def test_no_new_privileges_is_what_lets_go_of_them(living: Callable[..., int]) -> None:
    assert status(living(Mechanism.NO_NEW_PRIVS, LANDLOCK, SECCOMP))["NoNewPrivs"] == "0"


def test_a_child_has_a_session_of_its_own(living: Callable[..., int]) -> None:
    pid = living()
    assert os.getsid(pid) == pid
    with_templates = living(Mechanism.SESSION)
    assert os.getsid(with_templates) != with_templates


def test_a_child_dies_with_its_template_and_would_not_without_the_death_signal(
    living: Callable[..., int],
) -> None:
    template = Template()
    bound, loose = living(template=template), living(Mechanism.PARENT_DEATH, template=template)
    assert template._process is not None
    os.kill(template._process.pid, signal.SIGKILL)
    template._process.wait()
    until(lambda: not alive(bound))
    assert alive(loose)
    os.kill(loose, signal.SIGKILL)


SUPERVISOR = """
import sys, time
from treaty_sandbox import Host, Limits, ReadingValues, Template, decoding_target
template = Template()
target = decoding_target({"d.py": b"while True: pass"}, "d:decode")
host = Host(template, target, list[ReadingValues], limits=Limits(start_deadline=600_000))
while host._child is None or host._child.pid is None:
    host.poll(time.monotonic())
print(template._process.pid, host._child.pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_supervisor_that_is_killed() -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    template, child = (int(pid) for pid in supervisor.stdout.readline().split())
    assert alive(template)
    assert alive(child)
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    until(lambda: not alive(template) and not alive(child))


def alive(pid: int) -> bool:
    try:
        return status(pid)["State"][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("mechanism", sorted(ALL_MECHANISMS))
def test_strict_refuses_to_run_without_any_mechanism_and_best_effort_says_so(
    template: Template, mechanism: Mechanism
) -> None:
    target = decoding_target(HOSTILE, "hostile:decode")
    fewer = ALL_MECHANISMS - {mechanism}
    with pytest.raises(ChildRefusedError) as refused:
        run(template, target, [], Readings, mechanisms=fewer)
    assert (refused.value.stage, refused.value.kind) == ("confinement", mechanism)
    found = attempt(template, "environment", [mechanism])
    needing_it = {SECCOMP, LANDLOCK} if mechanism is Mechanism.NO_NEW_PRIVS else set()
    assert {mechanism} <= set(found.applied.missing) <= {mechanism, *needing_it}
    assert set(found.applied.applied) == ALL_MECHANISMS - set(found.applied.missing)


def test_a_link_out_of_a_package_folder_is_not_followed(template: Template, tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_bytes(HOSTILE["hostile.py"])
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "data").write_text("inside")
    target = decoding_target(tmp_path, "hostile:decode")
    messages = [
        (f"read {tmp_path}/{name}".encode(), 1, "acme/one", "text/plain", 0) for name in ("link", "data")
    ]
    link, data = run(template, target, messages, Readings).replies
    assert isinstance(link, Ok)
    assert isinstance(data, Ok)
    assert link.value[0].properties["got"] == "refused: Permission denied"
    assert data.value[0].properties["got"] == "read 6"

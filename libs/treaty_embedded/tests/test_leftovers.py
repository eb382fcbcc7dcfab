"""A start right after the last one was killed: what that has left behind is waited for, or ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from treaty_embedded import Kafka, Postgres, Process, Valkey
from treaty_embedded.leftovers import await_gone, remember
from treaty_embedded.process import running, wait_until

SERVERS = {"kafka": Kafka, "postgres": Postgres, "valkey": Valkey}
PATIENCE_S = 120
STARTED = """
import sys, time
from pathlib import Path
from treaty_embedded import Kafka, Postgres, Valkey
server = {"kafka": Kafka, "postgres": Postgres, "valkey": Valkey}[sys.argv[1]](Path(sys.argv[2]))
server.start()
print(server.pid, Path(sys.argv[2], "port").read_text(), flush=True)
time.sleep(600)
"""
STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
from treaty_embedded import Process
from treaty_embedded.leftovers import remember
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
code = deaf + "print('up', flush=True); time.sleep(600)"
process = Process("it", [sys.executable, "-c", code], Path(sys.argv[1], "log"))
remember(Path(sys.argv[1], "run.json"), process.pid)
print(process.pid, flush=True)
time.sleep(600)
"""


def parent(code: str, *arguments: object) -> tuple[subprocess.Popen[str], list[str]]:
    """A process that starts others, and the words it prints when it has."""
    found = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert found.stdout is not None
    return found, found.stdout.readline().split()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_starts_on_its_port_right_after_the_last_ones_parent_was_killed(name, tmp_path):
    killed, (pid, port) = parent(STARTED, name, tmp_path / name)
    # It is told to end when its parent dies, and does not come to it for as long as it is stopped.
    os.kill(int(pid), signal.SIGSTOP)
    kill(killed)
    said: list[str] = []

    def go_on(text: str) -> None:
        said.append(text)
        os.kill(int(pid), signal.SIGCONT)

    server = SERVERS[name](tmp_path / name, say=go_on)
    server.start(PATIENCE_S)
    try:
        assert (tmp_path / name / "port").read_text() == port
        assert said[0].endswith(f"is still ending (process {pid}): waits for it")
        assert server.pid != int(pid)
    finally:
        server.stop()


@pytest.fixture
def stubborn(tmp_path):
    """The process id of one that does not end with its parent, and the parent."""
    started, (pid,) = parent(STUBBORN, tmp_path)
    assert wait_until(lambda: (tmp_path / "log").read_text() == "up\n", PATIENCE_S)
    yield int(pid), started
    kill(started)
    if running(int(pid)):
        os.kill(int(pid), signal.SIGKILL)


def test_one_that_does_not_end_is_killed_past_the_bound(tmp_path, stubborn):
    pid, started = stubborn
    kill(started)
    said: list[str] = []
    await_gone(tmp_path / "run.json", "it", said.append, within_s=0.2, killed_s=PATIENCE_S)
    assert not running(pid)
    assert [text.split(":")[-1] for text in said] == [" waits for it", f" process {pid} is killed"]


def test_one_whose_parent_lives_is_let_be(tmp_path, stubborn):
    pid, _ = stubborn
    said: list[str] = []
    await_gone(tmp_path / "run.json", "it", said.append, within_s=0)
    assert running(pid)
    assert said == []


def test_another_process_that_has_the_number_by_now_is_let_be(tmp_path):
    process = Process("it", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log")
    try:
        record = tmp_path / "run.json"
        remember(record, process.pid)
        told = json.loads(record.read_text())
        record.write_text(json.dumps(told | {"began": told["began"] - 1, "parent_began": 0}))
        await_gone(record, "it", pytest.fail, within_s=0)
        assert process.alive()
    finally:
        process.kill()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"pid": "x"}', "\x00"])
def test_a_record_that_says_nothing_is_passed_over(tmp_path: Path, content: str | None):
    record = tmp_path / "run.json"
    if content is not None:
        record.write_text(content)
    await_gone(record, "it", pytest.fail)

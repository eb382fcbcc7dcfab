"""What dies is started again, at growing intervals, and it is said; what cannot be started is tried again."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from treaty_cli.up.process import ServiceProcess
from treaty_cli.up.supervisor import Supervisor, backoff_s
from treaty_embedded.process import running, wait_until

PATIENCE_S = 120


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(said):
    found = Supervisor(lambda name, text: said.append(f"{name} {text}"))
    yield found
    found.close()


def service(tmp_path: Path, code: str) -> ServiceProcess:
    (tmp_path / "it.py").write_text(code)
    return ServiceProcess("it", ["it"], tmp_path / "log", os.environ | {"PYTHONPATH": str(tmp_path)})


def test_a_killed_service_runs_again_as_another_process(tmp_path, supervisor, said):
    it = service(tmp_path, "import time; time.sleep(600)")
    it.start()
    first = it.pid
    supervisor.keep("it", it)
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: it.pid != first and it.alive(), PATIENCE_S)
    assert wait_until(lambda: len(said) == 2, PATIENCE_S)
    assert said == ["it was killed by SIGKILL, starts again in 0.2 s", "it started again"]
    supervisor.close()
    it.stop()


def test_what_a_killed_service_started_dies_with_it(tmp_path, supervisor):
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    it = service(tmp_path, code)
    it.start()
    assert wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"), PATIENCE_S)
    child = int((tmp_path / "log").read_text().split()[0])
    supervisor.keep("it", it)
    os.kill(it.pid, signal.SIGKILL)
    assert wait_until(lambda: not running(child), PATIENCE_S)
    supervisor.close()
    it.stop()


def test_a_service_that_keeps_failing_is_tried_at_growing_intervals(tmp_path, supervisor, said):
    it = service(tmp_path, "raise SystemExit(3)")
    it.start()
    supervisor.keep("it", it)
    assert wait_until(lambda: len(said) >= 5, PATIENCE_S)
    supervisor.close()
    it.stop()
    assert said[0] == "it ended with code 3, starts again in 0.2 s"
    assert said[2] == "it ended with code 3, starts again in 0.4 s"
    assert said[4] == "it ended with code 3, starts again in 0.8 s"


def test_a_service_that_keeps_losing_its_slot_stays_down_after_a_few_tries(tmp_path, supervisor, said):
    it = service(tmp_path, "raise SystemExit(73)")
    it.start()
    supervisor.keep("it", it, it.fenced)
    assert wait_until(lambda: bool(said) and said[-1].endswith("it stays down"), PATIENCE_S)
    supervisor.close()
    assert said.count("it started again") == 3
    assert said[0].startswith("it was fenced: another process took its slot")


class Unstartable:
    def __init__(self) -> None:
        self.tries = 0

    def start(self) -> None:
        self.tries += 1
        if self.tries < 2:
            raise OSError("no space left")

    def alive(self) -> bool:
        return self.tries >= 2

    def kill(self) -> None: ...

    def ending(self) -> str:
        return "is stopped"


def test_what_cannot_be_started_is_tried_again(supervisor, said):
    it = Unstartable()
    supervisor.keep("it", it)
    assert wait_until(it.alive, PATIENCE_S)
    assert wait_until(lambda: said[-1] == "it started again", PATIENCE_S)
    assert "it could not be started: no space left" in said


def test_after_close_nothing_is_started(tmp_path, supervisor, said):
    it = service(tmp_path, "import time; time.sleep(600)")
    it.start()
    supervisor.keep("it", it)
    supervisor.close()
    pid = it.pid
    it.stop()
    assert it.pid == pid
    assert said == []


def test_the_wait_doubles_and_is_bounded():
    waits = [backoff_s(deaths) for deaths in range(1, 12)]
    assert waits[:3] == [0.2, 0.4, 0.8]
    assert max(waits) == 10.0


def test_a_service_runs_with_this_interpreter(tmp_path):
    it = service(tmp_path, "import sys; print(sys.executable)")
    it.start()
    assert it.wait(PATIENCE_S) == 0
    assert (tmp_path / "log").read_text().strip() == sys.executable

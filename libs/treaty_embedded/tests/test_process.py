"""A child process ends: when asked, when it will not listen, and when its parent has gone."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import pytest

from treaty_embedded import Process, StartError
from treaty_embedded.process import running, wait_until

PATIENCE_S = 120


def python(code: str, tmp_path: Path, **options) -> Process:
    return Process("it", [sys.executable, "-c", code], tmp_path / "log", **options)


def test_one_that_does_not_listen_is_killed_with_all_it_started(tmp_path):
    process = python(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n",
        tmp_path,
    )
    assert wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"), PATIENCE_S)
    child = int((tmp_path / "log").read_text())
    process.stop(timeout_s=0.2)
    assert process.code() == -signal.SIGKILL
    assert wait_until(lambda: not running(child), PATIENCE_S)


def test_one_that_ends_while_starting_shows_its_log(tmp_path):
    process = python("raise SystemExit('no licence')", tmp_path)
    with pytest.raises(StartError, match=r"(?s)it ended with code 1 while starting.*no licence"):
        process.wait_ready(lambda: False, PATIENCE_S)


def test_one_that_never_gets_ready_is_stopped(tmp_path):
    process = python("import time; time.sleep(600)", tmp_path)
    with pytest.raises(StartError, match="not ready within 0 s"):
        process.wait_ready(lambda: False, 0.2)
    assert not process.alive()


def test_it_outlives_the_thread_that_asked_for_it(tmp_path):
    started: list[Process] = []
    thread = threading.Thread(
        target=lambda: started.append(
            python("print('up', flush=True); import time; time.sleep(600)", tmp_path)
        )
    )
    thread.start()
    thread.join()
    assert wait_until(lambda: (tmp_path / "log").read_text() == "up\n", PATIENCE_S)
    assert started[0].alive()
    started[0].stop()
    assert started[0].code() == -signal.SIGTERM


def test_its_environment_is_what_it_was_given(tmp_path):
    process = python(
        "import os; print(os.environ.get('HOME'), os.environ['ONLY'])", tmp_path, environment={"ONLY": "x"}
    )
    assert process.wait(PATIENCE_S)
    assert (tmp_path / "log").read_text() == "None x\n"

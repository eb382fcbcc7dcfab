"""The demo as a user starts it: the `treaty` command, in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from treaty_embedded.process import wait_until

from .collector import Collector

ROOT = Path(__file__).parents[2]
READY_S = 300
ANSWER_S = 60
"""How long a service may take to answer a request."""
PATIENCE_S = 180
"""How long anything else may take that a quiet machine does in a second."""


class Treaty:
    """`treaty` in one home: commands that end, and one that stays in the foreground."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._foreground: subprocess.Popen[str] | None = None
        self._said: list[str] = []

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("treaty")), "--home", str(self.home), *arguments]

    def run(self, *arguments: str, timeout_s: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def json(self, *arguments: str) -> Any:
        found = self.run(*arguments, "--json")
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    def lines(self, *arguments: str) -> list[str]:
        """What a command says that has to succeed."""
        found = self.run(*arguments)
        assert found.returncode == 0, found.stderr
        return found.stdout.splitlines()

    def tells(self, holds: Callable[[Any], bool], *arguments: str) -> bool:
        """Whether the command succeeds by now, and what it says in JSON is so."""
        found = self.run(*arguments, "--json")
        return found.returncode == 0 and holds(json.loads(found.stdout))

    def start(self, *arguments: str) -> None:
        self._foreground = subprocess.Popen(
            self.command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._listen, args=(self._foreground,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self._said.extend(process.stderr)

    def said(self, text: str) -> bool:
        return any(text in line for line in self._said)

    def wait_said(self, text: str, timeout_s: float = READY_S) -> None:
        assert self._foreground is not None
        alive = lambda: self._foreground is not None and self._foreground.poll() is None  # noqa: E731
        assert wait_until(lambda: self.said(text) or not alive(), timeout_s), "".join(self._said)
        assert self.said(text), "".join(self._said)

    def finish(self, number: signal.Signals | None = None, timeout_s: float = 240) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, after a signal where one is given."""
        assert self._foreground is not None
        process, self._foreground = self._foreground, None
        if number is not None:
            process.send_signal(number)
        assert process.stdout is not None
        out = process.stdout.read()
        code = process.wait(timeout_s)
        said, self._said = "".join(self._said), []
        return code, out, said

    def pid(self, service: str) -> int:
        return int((self.home / "logs" / f"{service}.pid").read_text())

    def started(self) -> list[int]:
        """Every process below the one in the foreground, the servers' own included."""
        assert self._foreground is not None
        return _below(self._foreground.pid)

    def urls(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.home / "platform.json").read_text())["urls"]
        return found

    def ready(self, service: str) -> bool:
        try:
            return httpx.get(f"{self.urls()[service]}/readyz", timeout=ANSWER_S).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self, service: str) -> None:
        """SIGKILL, and back when this returns."""
        before = self.pid(service)
        os.kill(before, signal.SIGKILL)
        assert wait_until(lambda: self.pid(service) != before and self.ready(service), READY_S), service

    def close(self) -> None:
        if self._foreground is not None:
            self._foreground.kill()
            self._foreground.wait()


def _below(pid: int) -> list[int]:
    """Children, theirs, and so on; none of one that has just ended."""
    try:
        told = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for text in told for child in text.split()]
    return children + [found for child in children for found in _below(child)]


@pytest.fixture
def treaty_in() -> Iterator[Callable[[Path], Treaty]]:
    made: list[Treaty] = []

    def make(home: Path) -> Treaty:
        made.append(Treaty(home))
        return made[-1]

    yield make
    for treaty in made:
        treaty.close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


@pytest.fixture(scope="module")
def slow_demo(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Treaty]:
    """A demo of two uplinks a second that exports its traces to the collector, for tests that change nothing
    others look at."""
    treaty = Treaty(tmp_path_factory.mktemp("demo") / ".treaty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        treaty.start("demo", "--rate", "2")
    try:
        treaty.wait_said("Live page")
        yield treaty
    finally:
        treaty.close()

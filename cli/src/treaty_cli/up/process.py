"""One service as a process that can be started again, and its word on whether it can do its job."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from treaty_chassis.kafka.runner import ExitCode
from treaty_embedded import Process, leftovers

__all__ = ["ServiceProcess", "await_gone"]

_LOG_LIMIT = 64 * 1024 * 1024


def _record(log: Path) -> Path:
    return log.with_suffix(".run.json")


def await_gone(name: str, log: Path, say: Callable[[str], None]) -> None:
    """Returns once the process of that log has ended, where who started it was killed. Raises StartError."""
    leftovers.await_gone(_record(log), name, say)


class ServiceProcess:
    """`python -m <module>`; SIGTERM drains it. It does not outlive the one who started it.

    The process id of its present run stands beside its log.
    """

    def __init__(
        self, name: str, command: list[str], log: Path, environment: Mapping[str, str], url: str = ""
    ) -> None:
        self.name = name
        self.url = url
        self.log = log
        self._command = [sys.executable, "-m", *command]
        self._environment = environment
        self._process: Process | None = None

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        self._process = Process(
            self.name, self._command, self.log, self._environment, orphan_signal=signal.SIGKILL
        )
        leftovers.remember(_record(self.log), self._process.pid)
        part, told = self.log.with_suffix(".pid.part"), self.log.with_suffix(".pid")
        part.write_text(str(self._process.pid))
        part.replace(told)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def ending(self) -> str:
        return "is stopped" if self._process is None else self._process.ending()

    def fenced(self) -> bool:
        """Whether it ended because its slot was no longer its own."""
        return self.wait(0) == ExitCode.FENCED

    def tail(self) -> str:
        return "" if self._process is None else self._process.tail()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Raises StartError where it ends, or the bound passes, first."""
        if self._process is not None:
            self._process.wait_ready(condition, timeout_s)

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, None where it still runs past the bound."""
        if self._process is None or not self._process.wait(timeout_s):
            return None
        return self._process.code()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def stop(self, timeout_s: float = 15) -> None:
        if self._process is not None:
            self._process.stop(timeout_s)

    def readiness(self) -> tuple[bool, str]:
        """What its /readyz says: whether it is ready, and what is missing where it is not."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            return False, "does not answer yet"
        finally:
            connection.close()
        if answer.status == HTTPStatus.OK:
            return True, "ready"
        try:
            checks = json.loads(body)["checks"]
            missing = [f"{name}: {detail}" for name, detail in checks.items() if detail != "ok"]
        except (ValueError, KeyError, TypeError, AttributeError):
            missing = []
        return False, "; ".join(missing) or f"answers {answer.status} to /readyz"

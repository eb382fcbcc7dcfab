"""A real child process: its own session, its log in a file, ended with its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from treaty_embedded.errors import StartError

__all__ = ["Process", "running", "wait_until"]

_LEASH = Path(__file__).with_name("leash.py")
_SHOWN = 3000

# The kernel sends PR_SET_PDEATHSIG when the *thread* that forked ends: one thread that lives as long as
# the interpreter does all the forking, whoever asks.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="treaty-spawner")


def wait_until(condition: Callable[[], bool], timeout_s: float, every_s: float = 0.02) -> bool:
    """Asks until it is true or the bound has passed; says which."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True


def running(pid: int) -> bool:
    """Whether there is such a process, one that has ended and was not asked for its code yet not counting."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


class Process:
    """One run of a command. `log` is appended to; `stop_signal` asks it to end in order.

    `unprivileged_in` runs it as an ordinary user, also where the parent is root, who may work in that
    folder. `orphan_signal` is what it gets should the parent die.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals | None = None,
        unprivileged_in: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        whole = [
            sys.executable,
            "-I",
            "-S",
            str(_LEASH),
            str(os.getpid()),
            str(int(orphan_signal or stop_signal)),
            str(unprivileged_in or "same"),
            *(str(part) for part in command),
        ]

        def spawn() -> subprocess.Popen[bytes]:
            with log.open("ab") as out:
                return subprocess.Popen(
                    whole,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=None if environment is None else dict(environment),
                    start_new_session=True,
                )

        self._from = log.stat().st_size if log.exists() else 0
        self._popen = _spawner.submit(spawn).result()
        self._gone = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def alive(self) -> bool:
        return self._popen.poll() is None

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.code()
        if code is None:
            return "is running"
        return f"ended with code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the bound."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Returns once `ready()` is true. Raises StartError when the process ended or the bound passed."""

        def over() -> bool:
            return not self.alive() or ready()

        in_time = wait_until(over, timeout_s)
        if not self.alive():
            raise StartError(f"{self.name} {self.ending()} while starting\n{self.tail()}")
        if not in_time:
            self.stop(5)
            raise StartError(f"{self.name} was not ready within {timeout_s:.0f} s\n{self.tail()}")

    def stop(self, timeout_s: float = 20) -> None:
        """Asks it to end, then kills its whole session once the bound has passed."""
        if self.alive():
            self._popen.send_signal(self._stop_signal)
            self.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to whatever it started in its session."""
        if self._gone:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._gone = True

    def tail(self) -> str:
        """The end of what this run wrote to its log, and where the log is."""
        with self.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._from, end - _SHOWN))
            text = file.read().decode("utf-8", "replace").strip()
        return f"--- {self.log}\n{text or '(it wrote nothing)'}"

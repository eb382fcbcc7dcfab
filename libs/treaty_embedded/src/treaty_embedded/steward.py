"""One broker, one PostgreSQL, one Valkey for a whole test run, whichever process of it asks first.

The process that lives longest (pytest itself, pytest-xdist's controller) keeps a Steward; workers ask
it over a unix socket. Each server starts when it is first asked for; see `stack` for what it is.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from treaty_embedded.errors import EmbeddedError
from treaty_embedded.stack import server

__all__ = ["Steward", "ask"]

_BYE = "bye"


class Steward:
    """`address` and `key` are what a worker needs to ask."""

    def __init__(self) -> None:
        self._dir = Path(tempfile.mkdtemp(prefix="treaty-tests-"))
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._addresses: dict[str, Callable[[], str]] = {}
        self.key = secrets.token_bytes(16)
        self._listener = Listener(str(self._dir / "steward"), "AF_UNIX", authkey=self.key)
        self.address = str(self._listener.address)
        self._thread = threading.Thread(target=self._serve, name="treaty-steward", daemon=True)
        self._thread.start()

    def start(self, name: str) -> str:
        """The address of kafka, postgres or valkey, which runs when this returns. Raises EmbeddedError."""
        with self._lock:
            if name not in self._addresses:
                started, address = server(name, self._dir / name)
                self._running.enter_context(started)
                self._addresses[name] = address
            return self._addresses[name]()

    def _serve(self) -> None:
        while True:
            connection = self._listener.accept()
            with contextlib.closing(connection):
                wanted: str = connection.recv()
                if wanted == _BYE:
                    return
                self._answer(connection, wanted)

    def _answer(self, connection: Connection, wanted: str) -> None:
        try:
            connection.send(("address", self.start(wanted)))
        except EmbeddedError as error:
            connection.send(("error", str(error)))

    def close(self) -> None:
        """Stops what was started and forgets its data."""
        _send(self.address, self.key, _BYE)
        self._thread.join()
        self._listener.close()
        self._running.close()
        shutil.rmtree(self._dir)


def ask(address: str, key: bytes, name: str) -> str:
    """Another process's Steward for an address. Raises EmbeddedError with what it said."""
    with contextlib.closing(Client(address, "AF_UNIX", authkey=key)) as connection:
        connection.send(name)
        kind, text = connection.recv()
    if kind == "error":
        raise EmbeddedError(text)
    return str(text)


def _send(address: str, key: bytes, text: str) -> None:
    with contextlib.closing(Client(address, "AF_UNIX", authkey=key)) as connection:
        connection.send(text)

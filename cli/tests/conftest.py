"""A service elsewhere that the command line asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes
    authorization: str | None


Answer: TypeAlias = Callable[[Asked], tuple[int, bytes]]
Serve: TypeAlias = Callable[[Answer], list[Asked]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """`serve(answer)` names a server to the command line as the registry and governance of a platform
    elsewhere, whose token is `a.token`; the list that it returns grows with each request."""
    (tmp_path / "token").write_text("a.token\n")
    monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "token"))
    with ExitStack() as running:

        def start(answer: Answer) -> list[Asked]:
            heard: list[Asked] = []

            class Handler(BaseHTTPRequestHandler):
                def _answer(self) -> None:
                    body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                    asked = Asked(self.command, self.path, body, self.headers["Authorization"])
                    heard.append(asked)
                    status, said = answer(asked)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

                def __getattr__(self, name: str) -> object:
                    if name.startswith("do_"):
                        return self._answer
                    raise AttributeError(name)

                def log_message(self, *_: object) -> None:
                    """Nothing."""

            server = running.enter_context(HTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            for service in ("REGISTRY", "GOVERNANCE"):
                monkeypatch.setenv(f"TREATY_{service}_URL", f"http://127.0.0.1:{server.server_port}")
            return heard

        yield start

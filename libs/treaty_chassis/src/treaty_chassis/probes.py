"""/livez, /readyz and /metrics for services that serve nothing else over HTTP.

readyz is true only while every named check is: a check is a function that returns None when its part can
do its job and otherwise says in words what is missing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from treaty_chassis.telemetry import METRICS

__all__ = ["Check", "Probes", "readiness", "remembered"]

Check: TypeAlias = Callable[[], str | None]


def readiness(checks: Mapping[str, Check]) -> tuple[bool, dict[str, str]]:
    """Whether all checks pass, and each one's detail: "ok" or what is missing."""
    details = {name: check() for name, check in checks.items()}
    return all(d is None for d in details.values()), {name: d or "ok" for name, d in details.items()}


def remembered(check: Check, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic) -> Check:
    """`check` asked once in `seconds` at most, by one thread at a time; the others are told what it said
    last. For checks that cost something: whoever asks for readiness has proved nothing of themselves."""
    one = threading.Lock()
    held: tuple[float, str | None] | None = None

    def ask() -> str | None:
        nonlocal held
        if held is not None and (clock() < held[0] or one.locked()):
            return held[1]
        with one:
            if held is None or clock() >= held[0]:
                said = check()
                held = (clock() + seconds, said)
            return held[1]

    return ask


class Probes:
    """The probes' server, in a thread of its own. GET only, no body read, answers in constant memory.

    `readyz` answers {"ready": bool, "checks": {name: detail}}, 200 or 503; `livez` 200 while the process
    runs and `alive` (when given) has nothing to say. Raises OSError at construction when the port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        checks: Mapping[str, Check],
        *,
        alive: Check | None = None,
        registry: CollectorRegistry = METRICS,
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                path = self.path.split("?", 1)[0]
                if path == "/readyz":
                    ready, details = readiness(checks)
                    self._json(200 if ready else 503, {"ready": ready, "checks": details})
                elif path == "/livez":
                    wrong = alive() if alive is not None else None
                    self._json(
                        200 if wrong is None else 503, {"alive": wrong is None, "detail": wrong or "ok"}
                    )
                elif path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                else:
                    self._json(404, {"title": "Not Found", "status": 404})

            def _json(self, status: int, body: object) -> None:
                self._answer(status, "application/json", json.dumps(body).encode())

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes come every few seconds: not worth a line each."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)
        self.port: int = self._server.server_address[1]
        """The port in use, the chosen one when 0 was asked for."""

    def start(self) -> Probes:
        self._thread.start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

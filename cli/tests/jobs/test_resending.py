"""`treaty job resend` asks every page of every topic of the service that writes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from treaty_cli.main import app


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Path and cursor of each request; there are two pages of devices, one of everything else."""
    heard: list[tuple[str, str]] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            url = urlsplit(self.path)
            cursor = parse_qs(url.query).get("cursor", [""])[0]
            heard.append((url.path, cursor))
            more = "device" in url.path and not cursor
            said = json.dumps({"enqueued": 2, "next": "a+b/=" if more else None}).encode()
            self.send_response(202)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    (tmp_path / "token").write_text("a.token")
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        for service in ("REGISTRY", "GOVERNANCE"):
            monkeypatch.setenv(f"TREATY_{service}_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "token"))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield heard
        server.shutdown()
        thread.join()


def test_every_page_of_every_topic_is_asked_for(asked: list[tuple[str, str]]) -> None:
    found = CliRunner().invoke(app, ["job", "resend"])
    assert found.exit_code == 0, found.output
    assert asked == [
        ("/v1/resend/gateway.changed.v1", ""),
        ("/v1/resend/device.changed.v1", ""),
        ("/v1/resend/device.changed.v1", "a+b/="),
        ("/v1/resend/contract.decided.v1", ""),
    ]
    for line in ("gateway.changed.v1: 2", "device.changed.v1: 4", "contract.decided.v1: 2"):
        assert line in found.stderr

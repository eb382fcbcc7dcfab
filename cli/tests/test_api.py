"""Where the commands find a platform's services."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from treaty_cli.api import Api, ApiError
from treaty_cli.home import Home, NotRunningError


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = f'{{"authorization": "{self.headers["Authorization"]}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_platform_elsewhere_is_named_by_the_environment(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("a.token\n")
    monkeypatch.setenv("TREATY_GOVERNANCE_URL", url)
    monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "token"))
    with Api.named(Home(tmp_path), "governance") as api:
        assert api.get("/v1/plugins") == {"authorization": "Bearer a.token"}
    with pytest.raises(NotRunningError):
        Api.named(Home(tmp_path), "registry")


def test_what_a_home_brings_up_is_its_own_whatever_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`treaty up` publishes its plugins and `treaty demo` registers its fleet there, and nowhere else."""
    (tmp_path / "token").write_text("a.token\n")
    monkeypatch.setenv("TREATY_GOVERNANCE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(NotRunningError):
        Api(Home(tmp_path), "governance")


def test_a_platform_elsewhere_without_a_token_is_said_to_need_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREATY_GOVERNANCE_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("TREATY_TOKEN_FILE", raising=False)
    with pytest.raises(ApiError, match="TREATY_TOKEN_FILE"):
        Api.named(Home(tmp_path), "governance")
    monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(ApiError, match="No such file"):
        Api.named(Home(tmp_path), "governance")

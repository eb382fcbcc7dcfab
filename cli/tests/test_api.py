"""Where the commands find a platform's services."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from treaty_cli.addresses import AddressError, web_url
from treaty_cli.api import Api, ApiError
from treaty_cli.home import Home, NotRunningError, Running
from treaty_cli.main import main

if TYPE_CHECKING:
    from conftest import Serve


def test_a_platform_elsewhere_is_named_by_the_environment(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(lambda _: (200, b'{"items": []}'))
    monkeypatch.delenv("TREATY_REGISTRY_URL")
    with Api.named(Home(tmp_path), "governance") as api:
        assert api.get("/v1/plugins") == {"items": []}
    assert [one.authorization for one in asked] == ["Bearer a.token"]
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


@pytest.mark.parametrize(
    "url",
    ["http://[", "localhost:8082", "http://127.0.0.1:99999", "http://", "ftp://x", "http://a b", "none"],
)
@pytest.mark.parametrize(
    "command", [["plugin", "list"], ["outbox", "list"], ["smoke", "--token-file", "token"]]
)
def test_what_is_no_url_is_said_in_one_line_and_ends_with_2(
    url: str,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("a.token\n")
    monkeypatch.setenv("TREATY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("TREATY_PUSH_URL", "http://127.0.0.1:1")
    for service in ("REGISTRY", "GOVERNANCE"):
        monkeypatch.setenv(f"TREATY_{service}_URL", url)
    monkeypatch.setattr(sys, "argv", ["treaty", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith("treaty: TREATY_")
    assert "expected http://host:port" in line


def test_an_address_that_cannot_be_meant_is_said_without_its_password() -> None:
    with pytest.raises(AddressError) as refused:
        web_url("TREATY_REGISTRY_URL", "htp://ada:hidden@registry:8081")
    assert "hidden" not in str(refused.value)
    assert "registry:8081" in str(refused.value)


def test_a_demo_that_was_never_run_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Home(tmp_path).remember(Running(1, "127.0.0.1:1", "", "", {}))
    monkeypatch.setattr(sys, "argv", ["treaty", "--home", str(tmp_path), "uplink", "send"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value.code).endswith("`treaty demo` writes it")

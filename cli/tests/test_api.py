"""Where the commands find a platform's services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from treaty_cli.api import Api, ApiError
from treaty_cli.home import Home, NotRunningError

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

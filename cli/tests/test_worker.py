"""`treaty worker`: what it tells its processes, and what they say of what is not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from treaty_cli.home import Home, NotRunningError, Running
from treaty_cli.main import app
from treaty_cli.worker import environments

PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / ".treaty")
    found.remember(Running(os.getpid(), "localhost:1", "postgresql://none", "redis://none"))
    return found


def test_each_process_has_a_slot_of_its_own_and_the_platform_s_broker(home, monkeypatch):
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    told = environments(home, "decentlab,milesight-*", PLUGINS, "east", 3)
    assert list(told) == ["east-0", "east-1", "east-2"]
    assert {one["TREATY_SLOT"] for one in told.values()} == set(told)
    for one in told.values():
        assert one["KAFKA_BOOTSTRAP_SERVERS"] == "localhost:1"
        assert (one["TREATY_PLUGINS"], one["TREATY_HTTP_PORT"]) == ("decentlab,milesight-*", "0")
    assert list(environments(home, "*", PLUGINS, "east", 1)) == ["east"]


def test_the_environment_s_broker_wins_and_without_either_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    [told] = environments(Home(tmp_path), "*", PLUGINS, "east", 1).values()
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == "elsewhere:9092"
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
    with pytest.raises(NotRunningError, match="treaty up"):
        environments(Home(tmp_path), "*", PLUGINS, "east", 1)


@pytest.mark.parametrize(
    ("patterns", "said", "code"),
    [
        ("decentlab,netvox-*", "no plugin below", 1),
        ("Decentlab", "TREATY_PLUGINS", 2),
        ("decentlab,,milesight-*", "TREATY_PLUGINS", 2),
    ],
)
def test_patterns_that_are_none_or_match_nothing_end_it_with_the_reason(
    tmp_path, capfd, patterns, said, code
):
    shutil.copytree(PLUGINS / "decentlab", tmp_path / "decentlab")
    found = CliRunner().invoke(
        app,
        ["worker", "--plugins", patterns, "--folder", str(tmp_path)],
        env={"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"},
    )
    assert found.exit_code == code
    assert said in capfd.readouterr().err

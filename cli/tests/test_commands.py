"""What commands print and how they end, without a platform."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from treaty_cli import bench
from treaty_cli.main import app

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
runner = CliRunner()
COMMANDS = (
    [],
    ["up"],
    ["demo"],
    ["token"],
    ["watch"],
    ["smoke"],
    ["trace"],
    ["bench"],
    ["plugin"],
    ["plugin", "check"],
    ["plugin", "import-lorawan"],
    ["plugin", "publish"],
    ["plugin", "list"],
    ["plugin", "quarantine"],
    ["plugin", "reinstate"],
    ["uplink"],
    ["uplink", "send"],
    ["job", "topics"],
    ["job", "resend"],
    ["outbox"],
    ["outbox", "list"],
    ["outbox", "send"],
    ["outbox", "discard"],
    ["compose"],
    ["k8s", "values"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command):
    found = runner.invoke(app, [*command, "--help"])
    assert found.exit_code == 0
    assert "Usage" in found.stdout


def test_a_folder_of_plugins_is_judged_whole():
    found = runner.invoke(app, ["plugin", "check", str(PLUGINS), "--json"])
    assert found.exit_code == 0, found.stderr
    judged = json.loads(found.stdout)
    assert {v["plugin"] for v in judged} == {p.parent.name for p in PLUGINS.glob("*/contract.yaml")}
    assert all(v["admitted"] for v in judged)


@pytest.mark.parametrize("command", ["check", "publish"])
def test_a_folder_without_packages_is_said_to_be_one(command, tmp_path):
    found = runner.invoke(app, ["plugin", command, str(tmp_path)])
    assert found.exit_code == 3
    assert f"no plugin package in {tmp_path}: a package is a folder with a contract.yaml" in found.stderr


@pytest.fixture
def package(tmp_path) -> Path:
    return shutil.copytree(PLUGINS / "milesight-em300", tmp_path / "milesight-em300")


def test_a_refused_plugin_is_exit_code_1_and_says_where(package):
    vectors = package / "vectors" / "golden.json"
    cases = json.loads(vectors.read_text())
    wrong = next(case for case in cases["cases"] if case["expected"].get("readings"))
    wrong["expected"]["readings"][0].setdefault("measurements", {})["air_temperature"] = 1e6
    vectors.write_text(json.dumps(cases))
    found = runner.invoke(app, ["plugin", "check", str(package)])
    assert found.exit_code == 1
    assert f"{package}/" in found.stderr
    assert ": error " in found.stderr


def test_a_contract_that_cannot_be_read_is_exit_code_2(package):
    (package / "contract.yaml").write_text("contract: treaty/v1\nunheard_of: 1\n")
    assert runner.invoke(app, ["plugin", "check", str(package)]).exit_code == 2


def test_a_folder_without_a_plugin_is_a_failure(tmp_path):
    assert runner.invoke(app, ["plugin", "check", str(tmp_path)]).exit_code == 3


def test_benchmarks_are_listed_with_what_they_measure(tmp_path, monkeypatch):
    folder = tmp_path / bench.FOLDER
    folder.mkdir(parents=True)
    (folder / "fan_out.py").write_text('"""Frames to subscribers.\n\nMore."""\n')
    (folder / "_shared.py").write_text("")
    monkeypatch.chdir(tmp_path)
    found = runner.invoke(app, ["bench", "--json"])
    assert json.loads(found.stdout) == {"fan-out": "Frames to subscribers."}


def test_a_benchmark_gets_the_format_and_gives_its_exit_code(tmp_path, monkeypatch):
    folder = tmp_path / bench.FOLDER
    folder.mkdir(parents=True)
    (folder / "it.py").write_text("import sys; sys.exit(7 if sys.argv[1:] == ['--json'] else 1)")
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(app, ["bench", "it", "--json"]).exit_code == 7
    (folder / "it.py").write_text(
        "import sys; sys.exit(7 if sys.argv[1:] == ['--json', '--rounds', '2'] else 1)"
    )
    assert runner.invoke(app, ["bench", "it", "--json", "--rounds", "2"]).exit_code == 7, "its own options"
    assert runner.invoke(app, ["bench", "other"]).exit_code == 2

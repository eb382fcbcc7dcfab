"""What `treaty compose` writes is what docker compose takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHOICES = [
    (),
    ("--plugins", "decentlab,milesight-*", "--slots", "3", "--slots", "ingestion=2"),
    ("--external", "kafka,postgres,redis"),
    ("--external", "postgres", "--group", "acme=acme-*", "--image", "acme=r.example.com/acme/worker:7"),
    ("--services", "ingestion,normalization"),
    ("--services", "push", "--external", "kafka"),
    ("--services", "registry,governance,projector", "--registry", "r.example.com", "--tag", "1.2.3"),
]
GIVEN = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example.com:9096",
    "TREATY_REGISTRY_URL": "https://devices.example.com",
    "TREATY_REGISTRY_PUBLIC_URL": "https://devices.example.com",
}


def written(folder: Path, *choice: str, suffix: str = "yaml") -> Path:
    file = folder / f"compose.{suffix}"
    command = [sys.executable, "-m", "treaty_cli", "compose", *choice, "--output", str(file)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return file


def taken(file: Path, given: dict[str, str]) -> dict[str, Any]:
    """As docker compose understands it. Its complaints are the failure."""
    command = ["docker", "compose", "-f", str(file), "--profile", "tools", "config", "--format", "json"]
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN} | given
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "warn" not in found.stderr.lower(), found.stderr
    document: dict[str, Any] = json.loads(found.stdout)
    return document


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_every_choice_is_a_compose_file(choice: tuple[str, ...], tmp_path: Path) -> None:
    found = taken(written(tmp_path, *choice), GIVEN)
    for name, service in found["services"].items():
        assert "build" not in service, name
        assert service["mem_limit"], name
        assert {port["host_ip"] for port in service.get("ports", ())} <= {"127.0.0.1"}, name


def test_json_is_understood_as_the_same(tmp_path: Path) -> None:
    choice = ("--slots", "2", "--external", "redis")
    one = taken(written(tmp_path, *choice), GIVEN)
    assert taken(written(tmp_path, *choice, "--json", suffix="json"), GIVEN) == one


def test_what_is_elsewhere_and_was_not_named_is_asked_for(tmp_path: Path) -> None:
    file = written(tmp_path, "--external", "kafka")
    command = ["docker", "compose", "-f", str(file), "config", "-q"]
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "host:port of Kafka" in found.stderr

"""`treaty k8s values`: what differs from the chart's defaults, held against its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from treaty_cli.installation import definitions
from treaty_cli.main import app

ROOT = Path(__file__).parents[3]
CHART = yaml.safe_load((ROOT / "helm/treaty/values.yaml").read_text())


def said(*arguments: str) -> tuple[int, str, str]:
    command = ["k8s", "values", "--folder", str(ROOT / "plugins"), *arguments]
    found = CliRunner().invoke(app, command, terminal_width=400)
    return found.exit_code, found.stdout, " ".join(found.stderr.replace("│", " ").split())


def written(*arguments: str) -> dict[str, Any]:
    code, text, errors = said(*arguments)
    assert code == 0, errors
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_every_secret_that_is_named_has_a_command_that_makes_it() -> None:
    choice = ("--kafka", "b-1:9096", "--kafka-protocol", "SASL_SSL", "--kafka-ca", "--issuer", "https://id/")
    _, text, errors = said(*choice)
    assert errors == ""
    named = {line.split()[-1] for line in text.splitlines() if "Secret: " in line}
    assert named == {f"treaty-{n}" for n in ("database", "kafka", "kafka-ca", "redis", "sealing", "tokens")}
    made = [
        line.split()[5] for line in text.splitlines() if line.startswith("#   kubectl create secret generic")
    ]
    assert sorted(made) == sorted(named)
    assert "--from-literal" not in text


def test_what_helm_will_ask_for_is_told() -> None:
    code, _, errors = said()
    assert code == 0
    assert "kafka.bootstrapServers" in errors
    assert "tokens.issuer" in errors


def test_a_group_is_a_stateful_set_with_as_many_slots_and_topics_with_as_many_partitions() -> None:
    found = written("--group", "acme=acme-*", "--image", "acme=r.example.com/acme/worker:7", "--slots", "3")
    assert found["workers"] == {
        "shipped": None,
        "acme": {
            "plugins": "acme-*",
            "replicas": 3,
            "image": {"repository": "r.example.com/acme/worker", "tag": "7"},
        },
    }
    assert found["services"]["governance"]["environment"] == {"TREATY_ACCEPTED_PARTITIONS": "3"}


def test_replicas_of_ingestion_are_the_chart_s_unless_asked_for() -> None:
    assert "services" not in written()
    assert written("--slots", "ingestion=1")["services"] == {"ingestion": {"replicas": 1}}


def test_only_secrets_of_chosen_services_are_named() -> None:
    found = written("--services", "push,normalization", "--registry-url", "https://devices.example.com")
    assert {"database", "redis", "sealing"} & set(found) == set()
    assert found["tokens"]["existingSecret"] == "treaty-tokens"
    assert [n for n, s in found["services"].items() if s == {"enabled": False}] == [
        "ingestion",
        "governance",
        "registry",
        "projector",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--services", "inbound"), "'inbound' is not one of governance"),
        (("--plugins", "acme-*"), "'acme-*' is none of the plugins decentlab"),
        (("--kafka-ca",), "PLAINTEXT has no certificates"),
        (("--group", "has.dots=*"), "expected NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments: tuple[str, ...], says: str) -> None:
    code, text, errors = said(*arguments)
    assert (code, text) == (2, "")
    assert says in errors


def test_the_parts_are_read_from_the_compose_file_and_the_chart() -> None:
    found = definitions.read()
    assert set(found.parts) == {*CHART["services"], definitions.WORKER}
    assert set(found.parts.values()) <= set(found.compose["services"])

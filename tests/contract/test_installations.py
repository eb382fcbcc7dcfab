"""The compose file, the workspace and docs/operating.md: the same services, ports, topics and settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from treaty_chassis.settings import KafkaSecurity
from treaty_cli.installation import definitions
from treaty_cli.up.services import SERVICES
from treaty_contract_governance.settings import Settings as Governance
from treaty_contract_governance.tables import OUTBOX as GOVERNANCE_OUTBOX
from treaty_contract_governance.watching.broker import GROUP as GOVERNANCE_GROUP
from treaty_device_registry.database import OUTBOX as REGISTRY_OUTBOX
from treaty_device_registry.settings import ApiSettings, ProjectorSettings
from treaty_events.topics import specs
from treaty_ingestion.app import GROUP as INGESTION_GROUP
from treaty_ingestion.settings import Settings as Ingestion
from treaty_normalization.settings import Settings as Normalization
from treaty_push_gateway.settings import Settings as Push

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OPERATING = (ROOT / "docs/operating.md").read_text()
SETTINGS: dict[str, type[BaseSettings]] = {
    "contract-governance": Governance,
    "device-registry": ApiSettings,
    "device-registry-projector": ProjectorSettings,
    "ingestion": Ingestion,
    "normalization": Normalization,
    "push-gateway": Push,
}
"""By the service's name in the compose file."""
UP = {
    "contract-governance": "governance",
    "device-registry": "registry",
    "device-registry-projector": "projector",
    "ingestion": "ingestion",
    "normalization": "normalization",
    "push-gateway": "push",
}
"""The same service's name on one machine."""
READ_BY_LIBRARIES = {
    "TREATY_SECRETS_DIR",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_RESOURCE_ATTRIBUTES",
}
SECRET = {"DATABASE_URL", "REDIS_URL", "TREATY_SEALING_KEY", "TREATY_DEV_CLIENT_SECRET"}
"""What files of TREATY_SECRETS_DIR hold, never an environment; the compose file's cache has no password."""
OF_THE_IMAGE = {"TREATY_HTTP_HOST", "TREATY_PLUGINS_DIR"}
OF_ONE_PROCESS = {"TREATY_SLOT", "TREATY_DEV_CLIENT_ID"}
"""The compose file runs one process a service, and its jobs know the development client by its name."""


def names(settings: type[BaseSettings]) -> set[str]:
    """The environment's names."""
    return {str(field.validation_alias) for field in settings.model_fields.values()}


def services() -> dict[str, dict[str, Any]]:
    """The platform's own, jobs and servers left out."""
    return {name: one for name, one in COMPOSE["services"].items() if name in SETTINGS}


def test_the_compose_file_builds_every_service_of_the_workspace_and_the_command_line() -> None:
    built = {s["build"]["args"]["SERVICE"] for s in COMPOSE["services"].values() if "build" in s}
    assert built == {folder.name for folder in (ROOT / "services").iterdir() if folder.is_dir()} | {"cli"}


def test_every_process_of_one_machine_is_a_service_of_the_compose_file() -> None:
    assert set(services()) == set(SETTINGS)
    assert {UP[name] for name in services()} == {service.name for service in SERVICES}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_service_has_the_same_port_everywhere(name: str) -> None:
    service = services()[name]
    up = next(one for one in SERVICES if one.name == UP[name])
    default = SETTINGS[name].model_fields["http_port"].default
    assert service["environment"]["TREATY_HTTP_PORT"] == up.port == default
    assert service["ports"] == [f"127.0.0.1:${{{up.setting}:-{default}}}:{default}"]
    assert str(default) in OPERATING
    assert f"`{UP[name].upper()}`" in OPERATING


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_service_is_told_nothing_that_it_does_not_read(name: str) -> None:
    told = set(services()[name]["environment"])
    assert told <= names(SETTINGS[name]) | names(KafkaSecurity) | READ_BY_LIBRARIES


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_can_be_given(name: str) -> None:
    """By a value in the compose file, or by the shell's or .env's where it has none."""
    told = set(services()[name]["environment"])
    assert names(SETTINGS[name]) - told - SECRET - OF_THE_IMAGE - OF_ONE_PROCESS == set()


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_is_documented(name: str) -> None:
    undocumented = {setting for setting in names(SETTINGS[name]) if f"`{setting}`" not in OPERATING}
    assert undocumented == set()


def test_the_settings_of_an_external_kafka_are_documented() -> None:
    assert {setting for setting in names(KafkaSecurity) if f"`{setting}`" not in OPERATING} == set()


def test_who_may_write_is_told_of_every_topic() -> None:
    table = OPERATING[OPERATING.index("## Who may write where") :]
    told = set(re.findall(r"`([a-z]+\.[a-z.<>*]+(?:\.v\d+)?)`", table))
    wanted = {name.replace("<plugin>.v1", "*") for name in specs()}
    assert wanted - told == set()


def test_the_rights_that_a_broker_is_to_give_cover_every_name_that_is_used() -> None:
    """Topics, groups and transactional ids, by the prefixes of the table."""
    rows = [line for line in OPERATING.splitlines() if line.startswith(("| topics |", "| groups |"))]
    topics, groups = (tuple(re.findall(r"`([^`]+)`", row)) for row in rows)
    assert [name for name in specs() if not name.startswith(topics)] == []
    schemas = (REGISTRY_OUTBOX, GOVERNANCE_OUTBOX)
    used = {
        INGESTION_GROUP,
        str(Normalization.model_fields["group"].default),
        GOVERNANCE_GROUP,
        *(outbox.name for outbox in schemas),
        *(f"{outbox.schema}.projection." for outbox in schemas),
    }
    assert [name for name in used if not name.startswith(groups)] == []


def test_every_service_is_documented_by_the_name_that_files_are_chosen_by() -> None:
    assert {name for name in definitions.read().parts if f"`{name}`" not in OPERATING} == set()


def test_what_is_published_is_published_on_loopback_alone() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_compose_file_holds_no_secret() -> None:
    told = [e for s in COMPOSE["services"].values() for e in (s.get("environment") or {})]
    assert [e for e in told if re.search(r"(SECRET|PASSWORD|SEALING_KEY)$", e)] == []


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_service_is_bounded_and_without_privilege(name: str) -> None:
    service = services()[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "restart"} <= set(service)

"""What the chart says of the services is what they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from treaty_cli.up.services import SERVICES
from treaty_contract_governance.settings import Settings as Governance
from treaty_device_registry.settings import ApiSettings, ProjectorSettings
from treaty_ingestion.settings import Settings as Ingestion
from treaty_normalization.settings import Settings as Normalization
from treaty_push_gateway.settings import Settings as Push

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "treaty"
SETTINGS = {
    "governance": Governance,
    "ingestion": Ingestion,
    "projector": ProjectorSettings,
    "push": Push,
    "registry": ApiSettings,
}
"""By the chart's names; those of a group of workers are Normalization."""


def test_the_chart_has_the_services_that_the_command_line_starts() -> None:
    facts = yaml.safe_load((CHART / "files" / "services.yaml").read_text())
    modules = {name: fact["module"] for name, fact in facts.items()}
    assert modules == {s.name: s.module for s in SERVICES if s.name != "normalization"}
    assert '"treaty_normalization"' in (CHART / "templates" / "_names.tpl").read_text()


def test_every_variable_it_sets_is_one_that_the_documentation_names() -> None:
    text = "".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))
    named = set(re.findall(r"name: ((?:TREATY|KAFKA)_[A-Z_]+)", text))
    assert len(named) > 10
    documented = (ROOT / "docs" / "operating.md").read_text()
    assert {name for name in named if f"`{name}`" not in documented} == set()


@pytest.mark.parametrize("name", [*SETTINGS, "worker"])
def test_every_setting_of_a_service_can_be_given(name: str) -> None:
    """By a value of its own, in a file of a Secret, or under the service's `environment`."""
    settings = SETTINGS.get(name, Normalization)
    wanted = {str(field.validation_alias) for field in settings.model_fields.values()}
    text = "".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))
    by_value = set(re.findall(r"(?:name|path): ([A-Z][A-Z_]+)", text))
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    groups = schema["workers"]["additionalProperties"]
    part = schema["services"]["properties"].get(name, groups)
    allowed = set(part["properties"]["environment"]["propertyNames"]["anyOf"][0]["enum"])
    assert wanted - by_value - allowed == set()
    assert allowed - wanted == set()


def test_what_is_generated_is_as_it_would_be_generated() -> None:
    script = [sys.executable, str(ROOT / "helm" / "generated.py"), "--check"]
    found = subprocess.run(script, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_every_file_of_refused_values_says_what_is_to_be_named() -> None:
    refused = sorted((CHART / "refused").glob("*.yaml"))
    assert len(refused) > 10
    for path in refused:
        assert path.read_text().startswith("# refused, naming: "), path

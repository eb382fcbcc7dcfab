"""The published JSON Schema is the model's, and agrees with it on contracts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from treaty_contracts.model import load_bytes
from treaty_contracts.model.schema import contract_schema

PUBLISHED = Path(__file__).parents[1] / "schemas" / "contract.schema.json"
SOUND = b"""
contract: treaty/v1
plugin: thermometer
version: 1.0.0
entry: {decode: "decoder:decode"}
models: [acme/one]
emits: {measurements: {temperature: {quantity: temperature, unit: Cel}}}
"""


def test_it_is_published_as_it_is() -> None:
    assert PUBLISHED.read_bytes() == contract_schema(), (
        "run: treaty-contracts schema --output " + PUBLISHED.name
    )


def test_a_sound_contract_is_valid_under_both() -> None:
    loaded = load_bytes("contract.yaml", SOUND)
    assert loaded.contract is not None
    assert jsonschema_rs.is_valid(json.loads(contract_schema()), loaded.source.value)


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (("plugin: thermometer", "plugin: Thermo"), "C105", 3),
        (("version: 1.0.0", "version: 1.0"), "C105", 4),
        (("models: [acme/one]", "modles: [acme/one]"), "C103", 6),
        (("plugin: thermometer", "plugin: a1\nplugin: a2"), "C102", 4),
        (("version: 1.0.0\n", ""), "C104", 2),
        (("[acme/one]", "&one [acme/one]\nnetworks: *one"), "C101", 6),
        (("plugin: thermometer", "plugin: !!python/name:os.system x"), "C101", 3),
        (("unit: Cel", "unti: Cel"), "C103", 7),
        (("plugin: thermometer", "plugin: [thermometer"), "C101", None),
    ],
)
def test_a_contract_with_a_fault_names_its_line(change: tuple[str, str], code: str, line: int | None) -> None:
    text = SOUND.decode().replace(*change)
    loaded = load_bytes("contract.yaml", text.encode())
    assert loaded.contract is None
    found = {(finding.code, finding.place.line if finding.place else None) for finding in loaded.findings}
    assert code in {known for known, _ in found}
    assert line is None or (code, line) in found, found


def test_all_faults_are_told_at_once() -> None:
    text = (
        SOUND.decode()
        .replace("plugin: thermometer", "plugin: Thermo")
        .replace("1.0.0", "one")
        .replace("unit", "unti")
    )
    assert {finding.code for finding in load_bytes("contract.yaml", text.encode()).findings} == {
        "C103",
        "C104",
        "C105",
    }

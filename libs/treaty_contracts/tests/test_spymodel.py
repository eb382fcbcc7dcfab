"""ImportSpy's contracts of both generations say the same in treaty/v1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from treaty_contracts.importing.reading import SpymodelError, read_spymodel
from treaty_contracts.importing.spymodel import convert
from treaty_contracts.model import Contract, load_bytes

OLD = """
filename: plugin.py
version: "1.2.3"
variables:
  - {name: MODE, value: production, annotation: str}
functions:
  - name: initialize
    arguments:
      - {name: config, annotation: dict}
      - {name: retries, annotation: int, value: 3}
    return_annotation: None
classes:
  - name: Plugin
    attributes:
      - {name: settings, annotation: dict, type: instance}
      - {name: KIND, value: decoder, annotation: str, type: class}
    methods:
      - name: run
        arguments: [{name: self}]
        return_annotation: None
    superclasses:
      - name: Base
        methods: [{name: close}]
deployments:
  - arch: x86_64
    systems:
      - os: linux
        environment:
          variables: [{name: ENABLED, value: true, annotation: bool}]
          secrets: [TOKEN]
        pythons:
          - version: "3.11"
            interpreter: CPython
            modules:
              - filename: plugin.py
                functions: [{name: initialize}]
"""
NEW = """
schema_version: 1
policy_id: payments plugin
filename: plugin.py
functions:
  - {name: process, arguments: [{name: amount, annotation: int}], return_annotation: str}
runtime:
  python: ">=3.10"
  os: [linux]
  environment: {PAYMENT_MODE: production, REGION: null}
dependencies:
  some-package: {version: ">=2.32,<3"}
  "import:socket": {allowed: false}
  forbidden-one: {allowed: false}
  proven:
    provenance: {required: true}
    origin: {type: vcs, repository: "https://example.org/x"}
    editable: false
"""


def converted(text: str, folder: Path) -> Contract:
    source = folder / "spymodel.yml"
    body = convert(read_spymodel(text.encode()), source, folder)
    loaded = load_bytes("contract.yaml", yaml.safe_dump(body).encode())
    assert loaded.contract is not None, loaded.findings
    return loaded.contract


def test_the_form_of_0_4(tmp_path: Path) -> None:
    contract = converted(OLD, tmp_path)
    assert (contract.plugin, contract.version) == ("plugin", "1.2.3")
    module = contract.structure.modules["plugin"]
    assert module.version == "1.2.3"
    assert module.variables["MODE"].value == "production"
    initialize = module.functions["initialize"]
    assert initialize.returns == "None"
    arguments = {part.name: part.has_default for part in initialize.arguments or []}
    assert arguments == {"config": False, "retries": True}
    plugin = module.classes["Plugin"]
    assert plugin.attributes["settings"].scope == "instance"
    assert isinstance(plugin.superclasses, dict)
    assert "close" in plugin.superclasses["Base"].methods
    [deployment] = contract.deployments
    assert deployment.runtime.python == "==3.11.*"
    assert deployment.runtime.environment == {"ENABLED": "True"}
    assert deployment.runtime.secrets == ["TOKEN"]
    assert "initialize" in deployment.structure.modules["plugin"].functions


def test_the_form_of_0_5(tmp_path: Path) -> None:
    contract = converted(NEW, tmp_path)
    assert contract.plugin == "payments-plugin"
    assert contract.runtime.environment == {"PAYMENT_MODE": "production", "REGION": None}
    assert contract.imports.deny == ["socket"]
    packages = contract.packages_in_full()
    assert packages["some-package"].version == ">=2.32,<3"
    assert not packages["some-package"].required
    assert not packages["forbidden-one"].allowed
    assert [(part.kind, part.subject) for part in contract.evidence] == [
        ("distribution.provenance", "proven")
    ]


@pytest.mark.parametrize(
    ("files", "text", "module"),
    [
        (["plugin.py"], "functions: [{name: f}]", "plugin"),
        (["codec.py"], "functions: [{name: f}]", "codec"),
        (["src/plugin.py"], "filename: plugin.py", "src.plugin"),
        (["plugin/__init__.py"], "filename: plugin.py", "plugin"),
        (["__init__.py"], "filename: __init__.py", "__init__"),
    ],
)
def test_the_module_is_found(tmp_path: Path, files: list[str], text: str, module: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(converted(text, tmp_path).structure.modules) == [module]


@pytest.mark.parametrize(
    "text", ["[]", "a: [", "unheard_of: 1", "functions: {}", "classes: [1]", "deployments: [1]"]
)
def test_what_is_no_importspy_contract_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SpymodelError):
        convert(read_spymodel(text.encode()), tmp_path / "spymodel.yml", tmp_path)


def test_every_value_survives(tmp_path: Path) -> None:
    body: dict[str, Any] = convert(read_spymodel(OLD.encode()), tmp_path / "s.yml", tmp_path)
    assert json.loads(json.dumps(body)) == body

"""An ImportSpy contract's file, and its parts in the kind they must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from treaty_contracts.model.yaml_source import MAX_CONTRACT_BYTES

__all__ = ["SpymodelError", "as_list", "as_mapping", "name_of", "read_spymodel"]

_KEYS = {
    "filename",
    "version",
    "variables",
    "functions",
    "classes",
    "deployments",
    "schema_version",
    "policy_id",
    "runtime",
    "dependencies",
    "dependency_options",
    "evidence_requirements",
}
MAX_DEPTH = 60


class SpymodelError(ValueError):
    """The file is no ImportSpy contract; the message says where."""


def _bounded(content: bytes) -> None:
    """Refuse what would grow or nest without end when it is read."""
    if len(content) > MAX_CONTRACT_BYTES:
        raise SpymodelError(f"longer than {MAX_CONTRACT_BYTES} bytes")
    depth = 0
    try:
        for event in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise SpymodelError("anchors and aliases are not allowed")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpymodelError(f"nested deeper than {MAX_DEPTH} levels")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpymodelError(f"not YAML: {error}") from None


def read_spymodel(content: bytes) -> dict[str, Any]:
    """The document as plain values. Raises SpymodelError."""
    _bounded(content)
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpymodelError(f"not YAML: {error}") from None
    if not isinstance(document, dict):
        raise SpymodelError("expected a mapping of keys to values")
    if unknown := sorted(str(key) for key in set(document) - _KEYS):
        raise SpymodelError(f"no such key: {unknown[0]}")
    return document


def as_list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SpymodelError(f"{where}: expected a list")
    return value


def as_mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SpymodelError(f"{where}: expected a mapping")
    return value


def name_of(item: Any, where: str) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise SpymodelError(f"{where}: expected a mapping with a name")
    return str(item["name"])

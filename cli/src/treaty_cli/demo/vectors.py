"""What the public data, corrected by the vendors' documents, says should come of an uplink.

Independent of the plugins' code: the catalogue's values go through plugins/<family>/vectors/names.yaml and
corrections.yaml, then from the unit the contract declares to the quantity's canonical one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from treaty.quantities import conversion, quantity
from treaty_cli.demo.corpora import Case, Corpus

__all__ = ["ExpectedReading", "Vectors"]


@dataclass(frozen=True, slots=True)
class ExpectedReading:
    """`measurements` by name: value and canonical unit. `own_time` is the payload's own time in ms."""

    measurements: Mapping[str, tuple[float, str]]
    properties: Mapping[str, Any]
    link: Mapping[str, float]
    own_time: int | None
    added: frozenset[str] = field(default_factory=frozenset)
    """Properties the plugin gives beyond the vectors, as names.yaml explains."""


class Vectors:
    """Of one plugin's folder. Raises KeyError or OSError where the folder is not whole."""

    def __init__(self, plugin: Path) -> None:
        self.plugin: str = _yaml(plugin / "contract.yaml")["plugin"]
        self._emits = _yaml(plugin / "contract.yaml")["emits"]["measurements"]
        names = _yaml(plugin / "vectors/names.yaml")
        self._names: Mapping[str, Mapping[str, str]] = names["names"]
        self._added = frozenset(names.get("added", {}))
        path = plugin / "vectors/corrections.yaml"
        self._corrections = _yaml(path)["corrections"] if path.exists() else []

    def readings(self, corpus: Corpus, case: Case) -> tuple[ExpectedReading, ...]:
        """In the order the plugin gives them."""
        return tuple(self._reading(corpus, case, index) for index in range(len(case.telemetry)))

    def _reading(self, corpus: Corpus, case: Case, index: int) -> ExpectedReading:
        told = dict(case.telemetry[index].values)
        values: dict[str, Any] = {}
        for correction in self._corrections:
            concerned = fnmatch(f"uplinks/{corpus.name}.json", correction["files"])
            if concerned and case.name in correction["cases"] and correction["reading"] == index:
                told = {name: value for name, value in told.items() if name not in correction["catalogue"]}
                values |= correction["document"]
        link: dict[str, float] = {}
        for name, value in {**case.attributes, **told}.items():
            ((place, target),) = self._names[name].items()
            if place in ("measurement", "property"):
                values[target] = value
            elif place == "link":
                link[target] = float(value)
        measurements = {n: self._canonical(n, float(v)) for n, v in values.items() if n in self._emits}
        properties = {n: v for n, v in values.items() if n not in self._emits}
        return ExpectedReading(measurements, properties, link, case.telemetry[index].own_time, self._added)

    def _canonical(self, name: str, value: float) -> tuple[float, str]:
        declared = self._emits[name]
        convert = conversion(declared["quantity"], declared["unit"])
        return convert(value), quantity(declared["quantity"]).unit


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))

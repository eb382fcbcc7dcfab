"""Promised structure held against what the child describes of the loaded package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ModulePromise
from treaty_contracts.probe.entries import entries_of
from treaty_contracts.signatures.compare import Comparison
from treaty_contracts.static.attributes import instance_attributes
from treaty_contracts.static.modules import Package
from treaty_contracts.static.promised import definition_of

__all__ = ["StructureJudge", "facts_of"]


def facts_of(described: Mapping[str, Any], module: str) -> Mapping[str, Any]:
    """What the child said of a module; nothing is there where it said nothing."""
    return described.get(module) or {"functions": {}, "classes": {}, "variables": {}, "names": {}}


class StructureJudge:
    """Compares one package's promises; `package` tells where in the source each name stands."""

    def __init__(self, contract: Contract, package: Package) -> None:
        self.contract = contract
        self.package = package

    def judge(
        self, module: str, promises: list[tuple[str, ModulePromise]], facts: Mapping[str, Any]
    ) -> list[Finding]:
        """The entries and the promises of one module."""
        comparison = Comparison(facts["names"])
        for entry in entries_of(self.contract):
            if entry.module == module:
                place = self._place(module, entry.name.split(".")[0])
                held = facts["functions"].get(entry.name)
                comparison.function(entry.name, entry.wanted, held, entry.path, place)
        for path, promise in promises:
            self._module(module, path, promise, facts, comparison)
        return comparison.findings

    def judge_deployments(self, described: Mapping[str, Any]) -> tuple[list[Finding], tuple[bool, ...]]:
        """Which deployments' structure holds; where none does, the nearest one's findings."""
        alternatives: list[list[Finding]] = []
        for index, deployment in enumerate(self.contract.deployments):
            found: list[Finding] = []
            for module, promise in deployment.structure.modules.items():
                facts = facts_of(described, module)
                comparison = Comparison(facts["names"])
                self._module(
                    module, f"deployments.{index}.structure.modules.{module}", promise, facts, comparison
                )
                found += comparison.findings
            alternatives.append(found)
        holding = tuple(
            not any(finding.severity is Severity.ERROR for finding in found) for found in alternatives
        )
        if not alternatives or any(holding):
            return [], holding
        return min(alternatives, key=len), holding

    def _module(
        self, module: str, path: str, promise: ModulePromise, facts: Mapping[str, Any], comparison: Comparison
    ) -> None:
        if promise.version is not None:
            held = facts["variables"].get("__version__", {}).get("value")
            if held is None or held[:2] != ["str", promise.version]:
                comparison.add(
                    "S205",
                    f"{module}.__version__ differs",
                    f"{path}.version",
                    self._place(module, "__version__"),
                    promise.version,
                )
        for name, function in promise.functions.items():
            comparison.function(
                name,
                function,
                facts["functions"].get(name),
                f"{path}.functions.{name}",
                self._place(module, name),
            )
        for name, variable in promise.variables.items():
            comparison.variable(
                name,
                variable,
                facts["variables"].get(name),
                f"{path}.variables.{name}",
                self._place(module, name),
            )
        for name, kind in promise.classes.items():
            held = facts["classes"].get(name)
            if held is not None and held.get("class"):
                self._instance_attributes(module, name, held)
            comparison.class_(name, kind, held, f"{path}.classes.{name}", self._place(module, name))

    def _instance_attributes(self, module: str, name: str, held: dict[str, Any]) -> None:
        """What methods set on self counts as an attribute."""
        for attribute, fact in instance_attributes(self.package, module, name).items():
            known = held["attributes"].setdefault(attribute, {"annotation": None, "here": False})
            known["instance"] = True
            if not known["here"]:
                for key, value in fact.items():
                    if known.get(key) is None:
                        known[key] = value

    def _place(self, module: str, name: str) -> Place | None:
        definition = definition_of(self.package, module, name)
        return definition.place if definition is not None else None

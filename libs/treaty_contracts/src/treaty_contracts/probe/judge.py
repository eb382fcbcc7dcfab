"""Load the package in a confined child and hold what it is and does against what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ArgumentPromise, ClassPromise, FunctionPromise, ModulePromise
from treaty_contracts.package import Snapshot
from treaty_contracts.policy import Policy
from treaty_contracts.probe.channel import ChildDiedError, Children, ConfinementMissingError
from treaty_contracts.probe.decoder import judge_decoder
from treaty_contracts.probe.downlinks import judge_downlinks
from treaty_contracts.probe.encoder import judge_encoder
from treaty_contracts.probe.library import Subject, judge_subjects
from treaty_contracts.probe.replies import death, place_of
from treaty_contracts.probe.session import Session
from treaty_contracts.probe.synthesis import arguments_for, mapping_keys
from treaty_contracts.probe.vectors import read_vectors
from treaty_contracts.signatures.compare import Comparison
from treaty_contracts.signatures.types import parse_type, unknown_names
from treaty_contracts.static.attributes import instance_attributes
from treaty_contracts.static.judge import StaticFacts, promised_modules
from treaty_contracts.static.promised import definition_of
from treaty_sandbox import Applied

__all__ = ["Probed", "judge_probe"]

_DECODE = FunctionPromise(arguments=[ArgumentPromise(name="uplink", kind="positional_only")])
_ENCODE = FunctionPromise(arguments=[ArgumentPromise(name="action", kind="positional_only")])


@dataclass(slots=True)
class Probed:
    """What the probe found.

    `host` is what this machine could not do, `applied` what confined the child, `holding` whether the
    package keeps the structure of each deployment.
    """

    findings: list[Finding] = field(default_factory=list)
    host: list[Finding] = field(default_factory=list)
    applied: Applied | None = None
    holding: tuple[bool, ...] = ()


def _texts(promise: ModulePromise | ClassPromise) -> set[str]:
    """Every promised type, as written."""
    found: set[str] = set()
    functions = promise.functions if isinstance(promise, ModulePromise) else promise.methods
    for function in functions.values():
        found.update(part.annotation for part in function.arguments or [] if part.annotation)
        found.update([function.returns] if function.returns else [])
    variables = promise.variables if isinstance(promise, ModulePromise) else promise.attributes
    found.update(variable.annotation for variable in variables.values() if variable.annotation)
    inner: list[ClassPromise] = []
    if isinstance(promise, ModulePromise):
        inner = list(promise.classes.values())
    elif isinstance(promise.superclasses, dict):
        inner = list(promise.superclasses.values())
    for part in inner:
        found |= _texts(part)
    return found


def _class_wants(promise: ClassPromise) -> dict[str, list[str]]:
    wants = {"methods": list(promise.methods), "attributes": list(promise.attributes)}
    if isinstance(promise.superclasses, dict):
        for base in promise.superclasses.values():
            inner = _class_wants(base)
            wants = {key: wants[key] + inner[key] for key in wants}
    return wants


class _Probe:
    def __init__(
        self, snapshot: Snapshot, contract: Contract, policy: Policy, facts: StaticFacts, children: Children
    ) -> None:
        self.contract = contract
        self.policy = policy
        self.static = facts
        self.promises = promised_modules(contract)
        self.modules = [name for name in self.promises if name in facts.reached]
        if contract.language == "javascript" and contract.entry is not None:
            self.modules = [contract.entry.decode.split(":")[0]]
        self.session = Session(children, self.modules, contract.resources.message_deadline_ms)
        self.files = snapshot.files
        self.found: list[Finding] = []
        self.holding: tuple[bool, ...] = ()

    def entries(self) -> list[tuple[str, str, str, FunctionPromise]]:
        """(module, name, promise path, promise) of each entry."""
        entry = self.contract.entry
        if entry is None:
            return []
        named = [("decode", entry.decode, _DECODE), ("encode", entry.encode, _ENCODE)]
        return [(*spec.split(":"), f"entry.{key}", wanted) for key, spec, wanted in named if spec]  # type: ignore[misc]

    def wanted(self) -> dict[str, Any]:
        asked: dict[str, Any] = {}
        for module in self.modules:
            functions: list[str] = [name for home, name, _, _ in self.entries() if home == module]
            classes: dict[str, Any] = {}
            variables: list[str] = []
            texts: set[str] = set()
            deployed = [part.structure.modules.get(module) for part in self.contract.deployments]
            for promise in [*(promise for _, promise in self.promises[module]), *filter(None, deployed)]:
                functions += promise.functions
                variables += promise.variables
                classes |= {name: _class_wants(part) for name, part in promise.classes.items()}
                texts |= _texts(promise)
                if promise.version is not None:
                    variables.append("__version__")
            names = sorted({name for text in texts for name in unknown_names(parse_type(text))})
            asked[module] = {
                "functions": functions,
                "classes": classes,
                "variables": variables,
                "names": names,
            }
        return asked

    def run(self) -> None:
        reply = self.session.open(0)
        loaded = reply.get("modules", {})
        broken = False
        for name in self.modules:
            failure = loaded.get(name, {"error": ["no answer"]})
            if failure is not None:
                broken = True
                text = f"{failure['error'][0]}: {failure.get('message', '')}"
                self.found.append(
                    Finding(
                        "P501",
                        Severity.ERROR,
                        f"the module {name} does not load: {text}",
                        self.path_of(name),
                        place=place_of(failure),
                    )
                )
        for effect in reply.get("effects", []):
            self.found.append(
                Finding(
                    "X308",
                    Severity.ERROR,
                    f"importing the package changes {effect}",
                    self.path_of(None),
                    hint="a module defines; it does nothing when it is imported",
                )
            )
        if broken:
            return
        if self.contract.language == "javascript":
            self.decoder()
            return
        described = self.session.ask(["describe", self.wanted()], 2_000)
        if not isinstance(described, dict):
            described = {}
        subjects = self.compare(described)
        self.compare_deployments(described)
        if any(finding.severity is Severity.ERROR for finding in self.found):
            return
        self.decoder()
        if self.contract.entry is not None and self.contract.entry.encode is not None:
            self.session.open(0)
            self.found += judge_encoder(self.session, self.contract.entry.encode, self.contract)
        keys = mapping_keys([self.static.package.read[name].tree for name in sorted(self.static.reached)])
        declared = frozenset(self.contract.errors) if "errors" in self.contract.model_fields_set else None
        self.found += judge_subjects(self.session, subjects, keys, self.policy.seed, declared)
        if self.session.child is not None:
            effects = self.session.ask(["effects"], 1_000)
            for effect in sorted(set(effects if isinstance(effects, list) else []) - {"standard error"}):
                printed = effect == "standard output"
                message = "calling the package prints" if printed else f"calling the package changes {effect}"
                code = "X304" if printed else "X309"
                self.found.append(Finding(code, Severity.ERROR, message, self.path_of(None)))

    def decoder(self) -> None:
        """The vectors and malformed uplinks, where there is a decoder."""
        if self.contract.entry is not None:
            cases = read_vectors(self.contract, self.files).cases
            entry = self.contract.entry.decode
            self.found += judge_decoder(self.session, entry, self.contract, cases, self.policy)

    def path_of(self, module: str | None) -> str:
        if module is None:
            return "entry" if self.contract.entry is not None else "structure"
        return f"structure.modules.{module}" if module in self.contract.structure.modules else "entry"

    def place(self, module: str, name: str) -> Place | None:
        definition = definition_of(self.static.package, module, name)
        return definition.place if definition is not None else None

    def compare(self, described: Mapping[str, Any]) -> list[Subject]:
        """Hold every promise against its facts; what passes is to be called."""
        subjects: list[Subject] = []
        for module in self.modules:
            facts = described.get(module) or {"functions": {}, "classes": {}, "variables": {}, "names": {}}
            comparison = Comparison(facts["names"])
            for home, name, path, wanted in self.entries():
                if home == module:
                    place = self.place(module, name.split(".")[0])
                    comparison.function(name, wanted, facts["functions"].get(name), path, place)
            for path, promise in self.promises[module]:
                self.module(module, path, promise, facts, comparison)
                subjects += self.subjects(module, path, promise, facts)
            self.found += comparison.findings
        return subjects

    def compare_deployments(self, described: Mapping[str, Any]) -> None:
        """One deployment's structure must hold; where none does, the nearest one's findings are told."""
        alternatives: list[list[Finding]] = []
        for index, deployment in enumerate(self.contract.deployments):
            found: list[Finding] = []
            for module, promise in deployment.structure.modules.items():
                facts = described.get(module) or {
                    "functions": {},
                    "classes": {},
                    "variables": {},
                    "names": {},
                }
                comparison = Comparison(facts["names"])
                self.module(
                    module, f"deployments.{index}.structure.modules.{module}", promise, facts, comparison
                )
                found += comparison.findings
            alternatives.append(found)
        self.holding = tuple(
            not any(finding.severity is Severity.ERROR for finding in found) for found in alternatives
        )
        if alternatives and not any(self.holding):
            self.found += alternatives[
                min(range(len(alternatives)), key=lambda index: len(alternatives[index]))
            ]

    def module(
        self, module: str, path: str, promise: ModulePromise, facts: Mapping[str, Any], comparison: Comparison
    ) -> None:
        if promise.version is not None:
            held = facts["variables"].get("__version__", {}).get("value")
            if held is None or held[:2] != ["str", promise.version]:
                comparison.add(
                    "S205",
                    f"{module}.__version__ differs",
                    f"{path}.version",
                    self.place(module, "__version__"),
                    promise.version,
                )
        for name, function in promise.functions.items():
            comparison.function(
                name,
                function,
                facts["functions"].get(name),
                f"{path}.functions.{name}",
                self.place(module, name),
            )
        for name, variable in promise.variables.items():
            comparison.variable(
                name,
                variable,
                facts["variables"].get(name),
                f"{path}.variables.{name}",
                self.place(module, name),
            )
        for name, kind in promise.classes.items():
            held = facts["classes"].get(name)
            if held is not None and held.get("class"):
                self.instance_attributes(module, name, held)
            comparison.class_(name, kind, held, f"{path}.classes.{name}", self.place(module, name))

    def instance_attributes(self, module: str, name: str, held: dict[str, Any]) -> None:
        """What methods set on self counts as an attribute."""
        for attribute, fact in instance_attributes(self.static.package, module, name).items():
            known = held["attributes"].setdefault(attribute, {"annotation": None, "here": False})
            known["instance"] = True
            if not known["here"]:
                for key, value in fact.items():
                    if known.get(key) is None:
                        known[key] = value

    def subjects(
        self, module: str, path: str, promise: ModulePromise, facts: Mapping[str, Any]
    ) -> list[Subject]:
        entries = {(home, name) for home, name, _, _ in self.entries()}
        found = [
            Subject(
                name,
                function,
                f"{path}.functions.{name}",
                (("module", module), ("target", name)),
                facts["functions"][name],
                facts["names"],
            )
            for name, function in promise.functions.items()
            if name in facts["functions"] and (module, name) not in entries
        ]
        for kind, wanted in promise.classes.items():
            held = facts["classes"].get(kind)
            if held is None or not held.get("class"):
                continue
            made = self.construction(held["constructor"], facts["names"])
            for method, function in wanted.methods.items():
                fact = held["methods"].get(method)
                if fact is None or (method.startswith("__") and method != "__call__"):
                    continue
                step: tuple[tuple[str, Any], ...] = (("module", module), ("target", f"{kind}.{method}"))
                if fact["binding"] == "instance":
                    if made is None:
                        continue
                    step = (*step, ("construct", tuple(made)))
                found.append(
                    Subject(
                        f"{kind}.{method}",
                        function,
                        f"{path}.classes.{kind}.methods.{method}",
                        step,
                        fact,
                        facts["names"],
                        method=True,
                    )
                )
        return found

    def construction(self, constructor: Mapping[str, Any], names: Mapping[str, Any]) -> list[Any] | None:
        """Arguments to make an object of a class with; None where they cannot be made up."""
        required = [
            (part["name"], part["kind"], False, part["annotation"])
            for part in constructor.get("parameters") or []
            if part["default"] is None and not part["kind"].startswith("var_")
        ]
        if any(kind == "keyword_only" for _, kind, _, _ in required):
            return None
        if not required:
            return []
        made = arguments_for(required, [], self.policy.seed)
        return made[0][0] if made else None


def judge_probe(snapshot: Snapshot, contract: Contract, policy: Policy, facts: StaticFacts) -> Probed:
    """Findings of loading, describing, calling and comparing; nothing of the package runs in this process."""
    out = Probed()
    vectors = read_vectors(contract, snapshot.files)
    out.findings += vectors.findings
    if contract.entry is not None and not vectors.cases and not vectors.findings:
        severity = Severity.ERROR if policy.require_vectors else Severity.WARNING
        out.findings.append(Finding("P512", severity, "the package has no golden vectors", "entry.decode"))
    if facts.unsafe or not policy.probe:
        severity = Severity.NOTE if facts.unsafe else Severity.ERROR
        why = "its source is refused" if facts.unsafe else "the policy asks for no probe"
        out.findings.append(Finding("P515", severity, f"the package was not run: {why}"))
        return out
    children = Children(contract, snapshot.code_files(), policy)
    probe = _Probe(snapshot, contract, policy, facts, children)
    try:
        probe.run()
        if not any(finding.severity is Severity.ERROR for finding in probe.found):
            probe.found += judge_downlinks(contract, snapshot.files, snapshot.code_files(), policy)
    except ChildDiedError as died:
        probe.found.append(death(died, "loading the package", probe.path_of(None)))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        message = "the child's answers cannot be read: its own code was tampered with"
        probe.found.append(Finding("P511", Severity.ERROR, message, probe.path_of(None)))
    except ConfinementMissingError as missing:
        out.host.append(Finding("P514", Severity.ERROR, f"this host cannot confine the probe: {missing}"))
    finally:
        probe.session.close()
    out.findings += probe.found
    out.applied, out.holding = children.applied, probe.holding
    return out

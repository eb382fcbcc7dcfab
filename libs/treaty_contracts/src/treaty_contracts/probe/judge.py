"""Load the package in a confined child and hold what it is and does against what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot
from treaty_contracts.policy import Policy
from treaty_contracts.probe.channel import ChildDiedError, Children, ConfinementMissingError
from treaty_contracts.probe.decoder import judge_decoder
from treaty_contracts.probe.downlinks import judge_downlinks
from treaty_contracts.probe.encoder import judge_encoder
from treaty_contracts.probe.library import Subject, judge_subjects
from treaty_contracts.probe.replies import death, place_of
from treaty_contracts.probe.session import Session
from treaty_contracts.probe.structure import StructureJudge, facts_of
from treaty_contracts.probe.subjects import subjects_of
from treaty_contracts.probe.synthesis import mapping_keys
from treaty_contracts.probe.vectors import read_vectors
from treaty_contracts.probe.wanted import description_wanted
from treaty_contracts.static.judge import StaticFacts, promised_modules
from treaty_sandbox import Applied

__all__ = ["Probed", "judge_probe"]


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
        self.structure = StructureJudge(contract, facts.package)

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
        wanted = description_wanted(self.contract, self.modules, self.promises)
        described = self.session.ask(["describe", wanted], 2_000)
        if not isinstance(described, dict):
            described = {}
        subjects = self.compare(described)
        told, self.holding = self.structure.judge_deployments(described)
        self.found += told
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

    def compare(self, described: Mapping[str, Any]) -> list[Subject]:
        """Hold every promise against its facts; what passes is to be called."""
        subjects: list[Subject] = []
        for module in self.modules:
            facts = facts_of(described, module)
            findings = self.structure.judge(module, self.promises[module], facts)
            for path, promise in self.promises[module]:
                subjects += subjects_of(self.contract, module, path, promise, facts, self.policy.seed)
            self.found += findings
        return subjects


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

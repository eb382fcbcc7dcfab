"""The one judge: everything that is wrong with a package, in one pass."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from treaty_contracts.environment import judge_environment, this_host
from treaty_contracts.findings import Finding, Place, Severity, sort_findings
from treaty_contracts.interface import judge_actions, judge_release, judge_widget
from treaty_contracts.model import CONTRACT_NAMES, Contract, Loaded, contract_name, load_bytes
from treaty_contracts.model.meaning import judge_meaning
from treaty_contracts.package import Snapshot, take
from treaty_contracts.policy import Policy
from treaty_contracts.probe.judge import judge_probe
from treaty_contracts.static.judge import judge_source
from treaty_contracts.verdict import Verdict

__all__ = ["Engine", "check", "digest"]

CACHED_VERDICTS = 1024


def digest(path: Path) -> str:
    """`sha256:` of a package folder: its contract and every file, path and content, caches aside."""
    return take(path).digest


@dataclass(frozen=True, slots=True)
class _Judged:
    """What follows from a package's content, and what is needed to hold a host against it."""

    verdict: Verdict
    loaded: Loaded | None = None
    holding: tuple[bool, ...] = ()


class Engine:
    """Judges packages; keeps what follows from content alone, by hash, between checks."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._judged: OrderedDict[str, _Judged] = OrderedDict()

    def check(self, path: Path, previous: Contract | None = None, instead: bytes | None = None) -> Verdict:
        """Judge the package folder at `path`; its files are read and hashed anew every time.

        `previous` is the last admitted release's contract: the version must say what changed since.
        `instead` stands in for the package's own contract file.

        Raises OSError where the folder cannot be read, PackageTooLargeError where it is no plugin.
        """
        snapshot = take(path)
        if instead is not None:
            snapshot.files[contract_name(snapshot.files) or CONTRACT_NAMES[0]] = instead
        name = snapshot.digest
        judged = self._judged.get(name)
        if judged is None:
            judged = self._judge(snapshot, name)
            if not any(finding.code == "P514" for finding in judged.verdict.host):
                self._judged[name] = judged
            if len(self._judged) > CACHED_VERDICTS:
                self._judged.popitem(last=False)
        loaded, contract = judged.loaded, judged.loaded.contract if judged.loaded is not None else None
        if loaded is None or contract is None:
            return judged.verdict
        if previous is not None:
            released = [_placed(finding, loaded) for finding in judge_release(previous, contract)]
            findings = sort_findings([*judged.verdict.findings, *released])
            judged = replace(judged, verdict=replace(judged.verdict, findings=findings))
        host = judge_environment(contract, this_host(), self.policy, judged.holding)
        if not host:
            return judged.verdict
        placed = [_placed(finding, loaded) for finding in (*judged.verdict.host, *host)]
        return replace(judged.verdict, host=sort_findings(placed))

    def _judge(self, snapshot: Snapshot, name: str) -> _Judged:
        file = contract_name(snapshot.files)
        policy = self.policy.portable()
        if file is None:
            message = "the package holds no contract.yaml"
            missing = Finding("C110", Severity.ERROR, message, place=Place("contract.yaml"))
            return _Judged(Verdict(None, None, name, (missing,), policy=policy, contract_error=True))
        loaded = load_bytes(file, snapshot.files[file])
        contract = loaded.contract
        if contract is None:
            found = sort_findings(list(loaded.findings))
            return _Judged(Verdict(None, None, name, found, policy=policy, contract_error=True))
        facts = judge_source(snapshot, contract)
        probed = judge_probe(snapshot, contract, self.policy, facts)
        findings = [
            *judge_meaning(contract, snapshot.files),
            *facts.findings,
            *probed.findings,
            *judge_widget(contract, snapshot.files),
            *judge_actions(contract),
        ]
        placed = [_placed(finding, loaded) for finding in findings]
        verdict = Verdict(
            contract.plugin,
            contract.version,
            name,
            sort_findings(placed),
            sort_findings(probed.host),
            policy,
            applied=probed.applied,
        )
        return _Judged(verdict, loaded, probed.holding)


def _placed(finding: Finding, loaded: Loaded) -> Finding:
    """The finding with the contract's line, which also stands in where it has no place of its own."""
    if finding.promise is None or finding.promise_line is not None:
        return finding
    line = loaded.line(finding.promise)
    return replace(
        finding, promise_line=line, place=finding.place or (Place(loaded.path, line) if line else None)
    )


_engines: dict[Policy, Engine] = {}


def check(path: Path, policy: Policy | None = None, previous: Contract | None = None) -> Verdict:
    """Judge the package folder at `path` under `policy`, with this process's shared caches."""
    wanted = policy or Policy()
    engine = _engines.setdefault(wanted, Engine(wanted))
    return engine.check(path, previous)

"""The one judge: everything that is wrong with a package, in one pass."""

from __future__ import annotations

from pathlib import Path

from treaty_contracts.findings import Finding, Place, Severity, sort_findings
from treaty_contracts.model import Contract, Loaded, contract_name, load_bytes
from treaty_contracts.model.meaning import judge_meaning
from treaty_contracts.package import Snapshot, take
from treaty_contracts.policy import Policy
from treaty_contracts.probe.judge import judge_probe
from treaty_contracts.static.judge import judge_static
from treaty_contracts.verdict import Verdict

__all__ = ["Engine", "check", "digest"]


def digest(path: Path) -> str:
    """`sha256:` of a package folder: its contract and every file, path and content, caches aside."""
    return take(path).digest


class Engine:
    """Judges packages; keeps what follows from content alone, by hash, between checks."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._portable: dict[str, Verdict] = {}

    def check(self, path: Path) -> Verdict:
        """Judge the package folder at `path`; its files are read and hashed anew every time.

        Raises OSError where the folder cannot be read, PackageTooLargeError where it is no plugin.
        """
        snapshot = take(path)
        name = snapshot.digest
        if (held := self._portable.get(name)) is None:
            held = self._portable[name] = self._judge(snapshot, name)
        return held

    def _judge(self, snapshot: Snapshot, name: str) -> Verdict:
        file = contract_name(snapshot.files)
        if file is None:
            finding = Finding(
                "C110", Severity.ERROR, "the package holds no contract.yaml", place=Place("contract.yaml")
            )
            return Verdict(None, None, name, (finding,), policy=self.policy.portable(), contract_error=True)
        loaded = load_bytes(file, snapshot.files[file])
        contract = loaded.contract
        if contract is None:
            return Verdict(
                None,
                None,
                name,
                sort_findings(list(loaded.findings)),
                policy=self.policy.portable(),
                contract_error=True,
            )
        findings = self._findings(snapshot, contract)
        placed = [self._placed(finding, loaded) for finding in findings]
        return Verdict(
            contract.plugin,
            contract.version,
            name,
            sort_findings(placed),
            policy=self.policy.portable(),
            contract_error=any(
                finding.code.startswith("C") and finding.severity is Severity.ERROR for finding in placed
            ),
        )

    def _findings(self, snapshot: Snapshot, contract: Contract) -> list[Finding]:
        found = judge_meaning(contract, snapshot.files)
        facts = judge_static(snapshot, contract)
        found += facts.findings
        found += judge_probe(snapshot, contract, self.policy, facts).findings
        return found

    @staticmethod
    def _placed(finding: Finding, loaded: Loaded) -> Finding:
        if finding.promise is None or finding.promise_line is not None:
            return finding
        line = loaded.line(finding.promise)
        return Finding(
            finding.code,
            finding.severity,
            finding.message,
            finding.promise,
            line,
            finding.place or (Place(loaded.path, line) if line else None),
            finding.expected,
            finding.observed,
            finding.hint,
        )


_engines: dict[Policy, Engine] = {}


def check(path: Path, policy: Policy | None = None) -> Verdict:
    """Judge the package folder at `path` under `policy`, with this process's shared caches."""
    wanted = policy or Policy()
    engine = _engines.setdefault(wanted, Engine(wanted))
    return engine.check(path)

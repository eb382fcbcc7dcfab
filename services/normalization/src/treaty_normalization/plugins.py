"""The plugins a worker hosts: found, judged, and held in memory as they were judged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from treaty_contracts import Contract, Verdict
from treaty_contracts.model import contract_name, load_bytes
from treaty_contracts.package import PackageTooLargeError, take
from treaty_normalization.promises import Promises
from treaty_sandbox import Limits, Target, codec_target, decoding_target

__all__ = ["Judge", "Plugin", "Rejected", "find"]

log = structlog.get_logger(__name__)
Judge = Callable[[Path], Verdict]
_ATTEMPTS = 3
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plugin:
    """A package that passed the check here. `files` is what was judged and what runs, vectors aside."""

    name: str
    version: str
    digest: str
    contract: Contract
    promises: Promises
    files: Mapping[str, bytes]

    def target(self) -> Target:
        """The child's: the package in memory, so that no later change of a file reaches it."""
        if self.contract.entry is None:
            raise ValueError(f"{self.name}: the contract has no entry")
        if self.contract.language == "javascript":
            emits = self.contract.emits
            entry = self.contract.entry.decode
            return codec_target(self.files, entry, emits.measurements.keys(), position=emits.position)
        third_party = any(rule.allowed for rule in self.contract.packages_in_full().values())
        library = [Path(p) for p in sys.path if p.endswith("site-packages")] if third_party else []
        return decoding_target(
            self.files,
            self.contract.entry.decode,
            self.contract.errors,
            readable=library,
            import_path=library,
        )

    def limits(self) -> Limits:
        resources = self.contract.resources
        return Limits(
            memory=resources.memory_mib * _MIB,
            message_deadline=resources.message_deadline_ms,
            batch_deadline=max(resources.batch_deadline_ms, resources.message_deadline_ms),
        )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A folder that is not hosted, and why."""

    folder: str
    why: str


def find(
    folder: Path, hosts: Callable[[str], bool], judge: Judge
) -> tuple[dict[str, Plugin], list[Rejected]]:
    """Judges every package below `folder` whose folder is to be hosted. Raises OSError without one."""
    plugins: dict[str, Plugin] = {}
    rejected: list[Rejected] = []
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith((".", "_")) or not hosts(path.name):
            continue
        found = _judged(path, judge)
        if isinstance(found, Plugin) and found.name in plugins:
            found = Rejected(path.name, f"another folder has a plugin named {found.name} too")
        if isinstance(found, Rejected):
            log.error("plugin rejected", folder=found.folder, why=found.why)
            rejected.append(found)
        else:
            log.info("plugin found", plugin=found.name, version=found.version, digest=found.digest)
            plugins[found.name] = found
    return plugins, rejected


def _judged(path: Path, judge: Judge) -> Plugin | Rejected:
    try:
        for _ in range(_ATTEMPTS):
            snapshot = take(path)
            verdict = judge(path)
            if verdict.digest == snapshot.digest:
                break
        else:
            return Rejected(path.name, "its files change while they are judged")
    except (OSError, PackageTooLargeError) as error:
        return Rejected(path.name, str(error))
    if not verdict.admitted_here:
        return Rejected(path.name, _errors(verdict))
    file = contract_name(snapshot.files)
    contract = None if file is None else load_bytes(file, snapshot.files[file]).contract
    if contract is None or contract.entry is None:
        return Rejected(path.name, "the contract has no entry")
    return Plugin(
        contract.plugin,
        contract.version,
        snapshot.digest,
        contract,
        Promises(contract),
        {p: content for p, content in snapshot.files.items() if not p.startswith("vectors/")},
    )


def _errors(verdict: Verdict) -> str:
    found = [f for f in (*verdict.findings, *verdict.host) if f.severity == "error"]
    first = f"{found[0].code} {found[0].message}" if found else "refused"
    return first if len(found) < 2 else f"{first}, and {len(found) - 1} more"

"""The plugins a worker hosts: judged, and held in memory as they were judged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from treaty_contracts import Contract, Verdict
from treaty_contracts.attesting import attestation
from treaty_contracts.environment import this_host
from treaty_contracts.model import contract_name, load_bytes
from treaty_contracts.package import PackageTooLargeError, take
from treaty_contracts.probe.vectors import Case, read_vectors
from treaty_normalization import compiled
from treaty_normalization.promises import Promises
from treaty_sandbox import Limits, Target, codec_target, decoding_target

__all__ = ["Judge", "Plugin", "Rejected", "judged"]

Judge = Callable[[Path], Verdict]
_ATTEMPTS = 3
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plugin:
    """A package that passed the check here. `files` is what was judged and what runs, vectors aside:
    they are kept as cases, to be run again."""

    name: str
    version: str
    digest: str
    contract: Contract
    promises: Promises
    files: Mapping[str, bytes]
    vectors: tuple[Case, ...] = ()
    attestation: bytes = b""
    """The verdict bound to this host, canonical JSON as treaty_contracts writes it."""
    writer: compiled.ReadingWriter = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = compiled.writer(self.promises, self.name, self.version, self.digest)
        object.__setattr__(self, "writer", made)

    def target(self) -> Target:
        """The child's: the package in memory, so that no later change of a file reaches it."""
        if self.contract.entry is None:
            raise ValueError(f"{self.name}: the contract has no entry")
        if self.contract.language == "javascript":
            emits, errors = self.contract.emits, self.contract.errors
            entry, names = self.contract.entry.decode, emits.measurements.keys()
            return codec_target(self.files, entry, names, errors, position=emits.position)
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
    """A folder that is not hosted, and why; `digest` where it was judged."""

    folder: str
    why: str
    digest: str | None = None


def judged(path: Path, judge: Judge) -> Plugin | Rejected:
    """The package in that folder, as it was when the engine admitted it here."""
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
        return Rejected(path.name, _errors(verdict), verdict.digest)
    file = contract_name(snapshot.files)
    contract = None if file is None else load_bytes(file, snapshot.files[file]).contract
    if contract is None or contract.entry is None:
        return Rejected(path.name, "the contract has no entry", verdict.digest)
    return Plugin(
        contract.plugin,
        contract.version,
        snapshot.digest,
        contract,
        Promises(contract),
        {p: content for p, content in snapshot.files.items() if not p.startswith("vectors/")},
        read_vectors(contract, snapshot.files).cases,
        attestation(verdict, this_host(), contract),
    )


def _errors(verdict: Verdict) -> str:
    found = [f for f in (*verdict.findings, *verdict.host) if f.severity == "error"]
    first = f"{found[0].code} {found[0].message}" if found else "refused"
    return first if len(found) < 2 else f"{first}, and {len(found) - 1} more"

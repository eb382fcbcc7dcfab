"""Load the package in a confined child and hold what it does against what it promises."""

from __future__ import annotations

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot
from treaty_contracts.policy import Policy
from treaty_contracts.probe.channel import ChildDiedError, PlainChild
from treaty_contracts.probe.decoder import death, judge_decoder
from treaty_contracts.probe.session import Session
from treaty_contracts.probe.vectors import read_vectors

__all__ = ["judge_probe"]


def _sources(snapshot: Snapshot) -> dict[str, str]:
    return {path: content.decode("utf-8", "replace") for path, content in snapshot.python_files().items()}


def _modules(contract: Contract) -> list[str]:
    names = list(contract.structure.modules)
    if contract.entry is not None:
        names += [entry.split(":")[0] for entry in (contract.entry.decode, contract.entry.encode) if entry]
    return sorted(set(names))


def judge_probe(snapshot: Snapshot, contract: Contract, policy: Policy) -> list[Finding]:
    """Findings of loading, calling and comparing; nothing of the package runs in this process."""
    vectors = read_vectors(contract, snapshot.files)
    found = list(vectors.findings)
    if contract.language != "python" or not policy.probe:
        found.append(Finding("P515", Severity.ERROR, "the package was not probed", "language"))
        return found
    if contract.entry is not None and not vectors.cases and not vectors.findings:
        severity = Severity.ERROR if policy.require_vectors else Severity.WARNING
        found.append(Finding("P512", severity, "the package has no golden vectors", "entry.decode"))
    session = Session(
        PlainChild, _sources(snapshot), _modules(contract), contract.resources.message_deadline_ms
    )
    try:
        loaded = session.open()
        broken = False
        for name in _modules(contract):
            reply = loaded.get(name, {"error": ["the child said nothing"]})
            if reply is None:
                continue
            broken = True
            match reply.get("at"):
                case [str(path), int(line)]:
                    place: Place | None = Place(path, line)
                case _:
                    place = None
            text = f"{reply['error'][0]}: {reply.get('message', '')}"
            found.append(
                Finding("P501", Severity.ERROR, f"the module {name} does not load: {text}", place=place)
            )
        if contract.entry is not None and not broken:
            found += judge_decoder(session, contract, vectors.cases, policy)
    except ChildDiedError as died:
        found.append(death(died, "loading the package", "entry.decode"))
    finally:
        session.close()
    return found

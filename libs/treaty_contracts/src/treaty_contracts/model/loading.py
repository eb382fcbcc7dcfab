"""From a package's contract file to a checked Contract, all problems in one pass."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model.contract import Contract
from treaty_contracts.model.yaml_source import Source, parse

__all__ = ["CONTRACT_NAMES", "ContractError", "Loaded", "contract_name", "load", "load_bytes"]

CONTRACT_NAMES = ("contract.yaml", "contract.yml")
_CACHE_SIZE = 256
_cache: OrderedDict[tuple[str, bytes], Loaded] = OrderedDict()


class ContractError(ValueError):
    """The contract cannot be read; `findings` says everything that is wrong with it."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{finding.place}: {finding.message}" for finding in findings))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A contract file as read: the contract where it is sound, and where each part of it stands."""

    path: str
    contract: Contract | None
    source: Source
    findings: tuple[Finding, ...]

    def line(self, promise: str) -> int | None:
        """The contract's line of a dotted promise path, or of its nearest part that is written down."""
        best: int | None = None
        for location, place in self.source.places.items():
            dotted = ".".join(str(part) for part in location)
            if dotted and (promise == dotted or promise.startswith(dotted + ".")):
                best = place.line if best is None else max(best, place.line or 0)
        return best


def contract_name(files: dict[str, bytes]) -> str | None:
    """The package's contract file: contract.yaml, or the one YAML file at its top that says it is one."""
    named = next((name for name in CONTRACT_NAMES if name in files), None)
    if named is not None:
        return named
    candidates = [
        name
        for name, content in files.items()
        if "/" not in name and name.endswith((".yaml", ".yml")) and content.startswith(b"contract: treaty/")
    ]
    return candidates[0] if len(candidates) == 1 else None


_MESSAGES = {
    "extra_forbidden": ("C103", "the contract has no such key"),
    "missing": ("C104", "this key is missing"),
}
_UNION_STEPS = {
    "str",
    "int",
    "bool",
    "float",
    "PackageRule",
    "constrained-str",
    "function-after[_specifier(), str]",
}


def _location(raw: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The path in the document: pydantic adds the names of union members and of key checks."""
    return tuple(
        step
        for step in raw
        if not (isinstance(step, str) and (step in _UNION_STEPS or step == "[key]" or "[" in step))
    )


def _findings(error: ValidationError, source: Source) -> list[Finding]:
    found: list[Finding] = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        location = _location(item["loc"])
        code, message = _MESSAGES.get(item["type"], ("C105", item["msg"].removeprefix("Value error, ")))
        dotted = ".".join(str(step) for step in location)
        place = source.place(location)
        found.append(Finding(code, Severity.ERROR, f"{dotted}: {message}", dotted, place.line, place))
    return found


def load_bytes(path: str, content: bytes) -> Loaded:
    """Read a contract's bytes; cached by content, for a contract never depends on anything else."""
    key = (path, content)
    if (held := _cache.get(key)) is not None:
        _cache.move_to_end(key)
        return held
    source = parse(path, content)
    findings = [
        Finding(problem.code, Severity.ERROR, problem.message, place=problem.place)
        for problem in source.problems
    ]
    contract = None
    if not findings:
        try:
            contract = Contract.model_validate(source.value)
        except ValidationError as error:
            findings = _findings(error, source)
    loaded = Loaded(path, contract, source, tuple(findings))
    _cache[key] = loaded
    if len(_cache) > _CACHE_SIZE:
        _cache.popitem(last=False)
    return loaded


def load(path: Path) -> Contract:
    """The contract of a package folder (its contract.yaml) or of a contract file.

    Raises ContractError with every finding, FileNotFoundError where there is none.
    """
    file = path
    if path.is_dir():
        file = next(
            (path / name for name in CONTRACT_NAMES if (path / name).is_file()), path / CONTRACT_NAMES[0]
        )
    loaded = load_bytes(file.name, file.read_bytes())
    if loaded.contract is None:
        raise ContractError(
            list(loaded.findings) or [Finding("C101", Severity.ERROR, "empty", place=Place(file.name))]
        )
    return loaded.contract

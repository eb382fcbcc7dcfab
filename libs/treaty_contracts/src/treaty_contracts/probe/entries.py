"""The functions a contract names as its entries, and what is promised of each unasked."""

from __future__ import annotations

from typing import NamedTuple

from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ArgumentPromise, FunctionPromise

__all__ = ["Entry", "entries_of"]

_DECODE = FunctionPromise(arguments=[ArgumentPromise(name="uplink", kind="positional_only")])
_ENCODE = FunctionPromise(arguments=[ArgumentPromise(name="action", kind="positional_only")])


class Entry(NamedTuple):
    """A function of a module; `path` is where the contract names it."""

    module: str
    name: str
    path: str
    wanted: FunctionPromise


def entries_of(contract: Contract) -> list[Entry]:
    """What decodes and what encodes, where the contract has either."""
    entry = contract.entry
    if entry is None:
        return []
    named = [("decode", entry.decode, _DECODE), ("encode", entry.encode, _ENCODE)]
    found: list[Entry] = []
    for key, spec, wanted in named:
        if spec:
            module, name = spec.split(":")
            found.append(Entry(module, name, f"entry.{key}", wanted))
    return found

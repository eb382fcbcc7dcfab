"""Golden vectors: payloads with the readings, or the error, they must give."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract

__all__ = ["Case", "Vectors", "read_vectors"]

_KEYS = {"name", "model", "f_port", "payload", "content_type", "expected", "note", "received_at"}
_READING_KEYS = {"measurements", "properties", "position", "observed_at"}
DEFAULT_RECEIVED_AT_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: when a vector's uplink is received unless the vector says otherwise."""


@dataclass(frozen=True, slots=True)
class Case:
    """One vector. Exactly one of `readings` and `error` is given."""

    name: str
    model: str
    f_port: int | None
    payload: bytes
    content_type: str
    received_at_ms: int
    readings: list[dict[str, Any]] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Vectors:
    cases: tuple[Case, ...] = ()
    findings: tuple[Finding, ...] = ()


def _case(raw: Any, contract: Contract) -> Case:
    if not isinstance(raw, dict):
        raise ValueError("a case is an object")
    if unknown := sorted(set(raw) - _KEYS):
        raise ValueError(f"no such key: {unknown[0]}")
    expected = raw.get("expected")
    if not isinstance(expected, dict) or set(expected) not in ({"readings"}, {"error"}):
        raise ValueError('"expected" holds either "readings" or "error"')
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError('"name" is missing')
    model = raw.get("model", contract.models[0] if len(contract.models) == 1 else None)
    if not isinstance(model, str) or (contract.models and model not in contract.models):
        raise ValueError(f'"model" is {model!r}, which the contract does not serve')
    f_port = raw.get("f_port")
    if f_port is not None and (type(f_port) is not int or not 0 <= f_port <= 255):
        raise ValueError('"f_port" is a number from 0 to 255, or null')
    readings = expected.get("readings")
    if readings is not None:
        if not isinstance(readings, list):
            raise ValueError('"readings" is a list')
        for reading in readings:
            if not isinstance(reading, dict) or set(reading) - _READING_KEYS:
                raise ValueError(f"a reading holds {', '.join(sorted(_READING_KEYS))}")
    content_types = contract.content_types or ["application/octet-stream"]
    try:
        payload = bytes.fromhex(raw.get("payload", ""))
    except (TypeError, ValueError):
        raise ValueError('"payload" is hexadecimal text') from None
    received_at = raw.get("received_at", DEFAULT_RECEIVED_AT_MS)
    if type(received_at) is not int:
        raise ValueError('"received_at" is milliseconds since 1970')
    return Case(
        name,
        model,
        f_port,
        payload,
        str(raw.get("content_type", content_types[0])),
        received_at,
        readings,
        expected.get("error"),
    )


def read_vectors(contract: Contract, files: dict[str, bytes]) -> Vectors:
    """The cases of the contract's vectors file, and everything that is wrong with it."""
    path = contract.vectors
    if path is None:
        return Vectors()
    if path not in files:
        return Vectors(
            findings=(
                Finding("C107", Severity.ERROR, f"the package holds no {path}", "vectors", expected=path),
            )
        )

    def wrong(message: str, line: int | None = None) -> Finding:
        return Finding("C108", Severity.ERROR, message, "vectors", place=Place(path, line))

    try:
        document = json.loads(files[path])
    except json.JSONDecodeError as error:
        return Vectors(findings=(wrong(f"not JSON: {error.msg}", error.lineno),))
    except (ValueError, RecursionError):
        return Vectors(findings=(wrong("not JSON in UTF-8 with numbers and depth that can be read"),))
    if not isinstance(document, dict) or not isinstance(document.get("cases"), list):
        return Vectors(findings=(wrong('expected an object with a list "cases"'),))
    cases: list[Case] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    for index, raw in enumerate(document["cases"]):
        try:
            case = _case(raw, contract)
        except ValueError as error:
            findings.append(wrong(f"cases[{index}]: {error}"))
            continue
        if case.name in seen:
            findings.append(wrong(f"cases[{index}]: the name {case.name!r} stands twice"))
        seen.add(case.name)
        cases.append(case)
    return Vectors(tuple(cases), tuple(findings))

"""Downlink vectors: actions with the bytes, or the error, that the encoder must give; in either language.

They stand in the contract's vectors file beside the cases, as "downlinks": a list of {"name", "action",
"arguments", "model", "expected": {"payload" (hexadecimal), "f_port", "confirmed"} | {"error": text}}.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.policy import Policy
from treaty_contracts.probe.channel import templates
from treaty_sandbox import ChildRefusedError, Failed, Limits, Ok, run
from treaty_sandbox import Policy as Confinement
from treaty_sandbox.encoding import DownlinkValues, downlink_target, encoding_target

__all__ = ["DownlinkCase", "judge_downlinks", "read_downlinks"]

_KEYS = {"name", "action", "arguments", "model", "expected", "note"}
_EXPECTED = {"payload", "f_port", "confirmed"}


@dataclass(frozen=True, slots=True)
class DownlinkCase:
    """One vector. Exactly one of `downlink` and `error` is given."""

    name: str
    action: str
    model: str
    arguments: dict[str, Any]
    downlink: DownlinkValues | None
    error: str | None


def _case(raw: Any, contract: Contract) -> DownlinkCase:
    if not isinstance(raw, dict):
        raise ValueError("a downlink is an object")
    if unknown := sorted(set(raw) - _KEYS):
        raise ValueError(f"no such key: {unknown[0]}")
    name, action, arguments = raw.get("name"), raw.get("action"), raw.get("arguments", {})
    if not isinstance(name, str) or not name:
        raise ValueError('"name" is missing')
    if not isinstance(action, str) or action not in contract.actions:
        raise ValueError(f'"action" is {action!r}, which the contract does not declare')
    if not isinstance(arguments, dict):
        raise ValueError('"arguments" is an object')
    model = raw.get("model", contract.models[0] if len(contract.models) == 1 else None)
    if not isinstance(model, str) or (contract.models and model not in contract.models):
        raise ValueError(f'"model" is {model!r}, which the contract does not serve')
    expected = raw.get("expected")
    if isinstance(expected, dict) and set(expected) == {"error"} and isinstance(expected["error"], str):
        return DownlinkCase(name, action, model, arguments, None, expected["error"])
    if not isinstance(expected, dict) or "payload" not in expected or set(expected) - _EXPECTED:
        raise ValueError('"expected" holds "payload", "f_port" and "confirmed", or "error"')
    try:
        payload = bytes.fromhex(expected["payload"])
    except (TypeError, ValueError):
        raise ValueError('"payload" is hexadecimal text') from None
    f_port, confirmed = expected.get("f_port"), expected.get("confirmed", False)
    if (f_port is not None and type(f_port) is not int) or type(confirmed) is not bool:
        raise ValueError('"f_port" is a number or null, "confirmed" a boolean')
    return DownlinkCase(name, action, model, arguments, DownlinkValues(payload, f_port, confirmed), None)


def read_downlinks(contract: Contract, files: dict[str, bytes]) -> tuple[list[DownlinkCase], list[Finding]]:
    """What the vectors file says of downlinks; that the file can be read is judged elsewhere."""
    try:
        document = json.loads(files[contract.vectors or ""])
    except (KeyError, ValueError, RecursionError):
        return [], []
    raw = document.get("downlinks", []) if isinstance(document, dict) else []
    cases: list[DownlinkCase] = []
    found: list[Finding] = []
    for index, one in enumerate(raw if isinstance(raw, list) else [None]):
        try:
            cases.append(_case(one, contract))
        except ValueError as error:
            place = Place(contract.vectors or "")
            message = f"downlinks[{index}]: {error}"
            found.append(Finding("C108", Severity.ERROR, message, "vectors", place=place))
    return cases, found


def judge_downlinks(
    contract: Contract, files: dict[str, bytes], code: dict[str, bytes], policy: Policy
) -> list[Finding]:
    """Each vector's arguments fit its action's schema, and the encoder, in a child, does as it says."""
    cases, found = read_downlinks(contract, files)
    if not cases or contract.entry is None or contract.entry.encode is None:
        return found
    limits = Limits(
        memory=contract.resources.memory_mib << 20, message_deadline=contract.resources.message_deadline_ms
    )
    entry, errors = contract.entry.encode, contract.errors
    if contract.language == "javascript":
        target = downlink_target(code, entry, errors)
    else:
        third_party = any(rule.allowed for rule in contract.packages_in_full().values())
        library = [Path(path) for path in sys.path if path.endswith("site-packages")] if third_party else []
        target = encoding_target(code, entry, errors, readable=library, import_path=library)
    messages = [(case.action, case.model, case.arguments) for case in cases]
    confinement = Confinement(policy.sandbox)
    try:
        done = run(templates()[0], target, messages, DownlinkValues, limits=limits, policy=confinement)
    except ChildRefusedError as refused:
        message = f"the encoder does not start: {refused}"
        return [*found, Finding("P501", Severity.ERROR, message, "entry.encode")]
    for case, reply in zip(cases, done.replies, strict=True):
        problem = _unfit(case, contract) or _difference(case, reply)
        if problem is not None:
            place = Place(contract.vectors or "")
            found.append(Finding(*problem, "entry.encode", place=place))
    return found


def _unfit(case: DownlinkCase, contract: Contract) -> tuple[str, Severity, str] | None:
    """An error may well be of arguments that do not fit; a downlink may not."""
    if case.error is not None:
        return None
    try:
        jsonschema_rs.validate(contract.actions[case.action].arguments, case.arguments)
    except jsonschema_rs.ValidationError as error:
        return ("C108", Severity.ERROR, f"downlink {case.name!r}: arguments: {error.message}")
    except (jsonschema_rs.ReferencingError, ValueError):
        return None
    return None


def _difference(case: DownlinkCase, reply: Ok[DownlinkValues] | Failed) -> tuple[str, Severity, str] | None:
    if isinstance(reply, Failed):
        if case.error is None:
            return ("P502", Severity.ERROR, f"downlink {case.name!r}: {reply.kind}: {reply.detail}")
        if case.error not in reply.detail:
            message = f"downlink {case.name!r}: expected an error with {case.error!r}, got {reply.detail!r}"
            return ("P503", Severity.ERROR, message)
        return None
    if case.downlink is None:
        message = f"downlink {case.name!r}: expected an error, got {reply.value.payload.hex()}"
        return ("P503", Severity.ERROR, message)
    if reply.value != case.downlink:
        wanted, got = (
            f"{d.payload.hex()} on port {d.f_port}{', confirmed' if d.confirmed else ''}"
            for d in (case.downlink, reply.value)
        )
        return ("P502", Severity.ERROR, f"downlink {case.name!r}: expected {wanted}, got {got}")
    return None

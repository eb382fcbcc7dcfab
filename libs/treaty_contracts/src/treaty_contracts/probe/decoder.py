"""Judge a decoder by its golden vectors and by malformed uplinks."""

from __future__ import annotations

from typing import Any

from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract
from treaty_contracts.policy import Policy
from treaty_contracts.probe.decoded import MismatchError, differences, readings_of
from treaty_contracts.probe.inputs import case_argument, malformed_uplinks
from treaty_contracts.probe.replies import judge_replies, place_of, thrown
from treaty_contracts.probe.session import Call, Session
from treaty_contracts.probe.values import error_names, shown
from treaty_contracts.probe.vectors import Case

__all__ = ["ALWAYS_DECLARED", "NEVER_DECLARED", "declared_error", "judge_decoder"]

ALWAYS_DECLARED = frozenset({"ValueError", "treaty.errors.DecodeError"})
NEVER_DECLARED = frozenset({"MemoryError", "RecursionError"})


def declared_error(names: list[str], contract: Contract) -> bool:
    """Whether the contract lets this exception out. Running out of memory or stack never counts."""
    if NEVER_DECLARED & set(names) or "Exception" not in names:
        return False
    declared = ALWAYS_DECLARED | set(contract.errors)
    return any(name in declared or name.rsplit(".", 1)[-1] in declared for name in names)


def _judge_case(case: Case, reply: Any, contract: Contract) -> list[Finding]:
    label = f"vector {case.name!r}"
    names = error_names(reply)
    if case.error is not None:
        if names is None:
            return [
                Finding(
                    "P503",
                    Severity.ERROR,
                    f"{label}: expected an error, got a value",
                    "vectors",
                    expected=case.error,
                    observed=shown(reply.get("value")),
                )
            ]
        simple = {name.rsplit(".", 1)[-1] for name in names}
        if case.error not in simple and case.error.lower() not in str(reply.get("message", "")).lower():
            return [
                Finding(
                    "P503",
                    Severity.ERROR,
                    f"{label}: another error than expected",
                    "vectors",
                    place=place_of(reply),
                    expected=case.error,
                    observed=thrown(reply, names),
                )
            ]
        if not declared_error(names, contract):
            return [
                Finding(
                    "P508",
                    Severity.ERROR,
                    f"{label}: {names[0]} is not declared",
                    "errors",
                    place=place_of(reply),
                    observed=thrown(reply, names),
                )
            ]
        return []
    if names is not None:
        return [
            Finding(
                "P502",
                Severity.ERROR,
                f"{label}: raised instead of decoding",
                "vectors",
                place=place_of(reply),
                observed=thrown(reply, names),
            )
        ]
    readings = readings_of(reply.get("value"), contract)
    return [
        Finding(
            "P502",
            Severity.ERROR,
            f"{label}: {path} differs",
            "vectors",
            expected=expected,
            observed=observed,
        )
        for path, expected, observed in differences(case.readings or [], readings)
    ] + _implausible(case, readings, contract)


def _implausible(case: Case, readings: list[Any], contract: Contract) -> list[Finding]:
    found = []
    for reading in readings:
        for name, value in reading.measurements.items():
            limits = contract.emits.measurements[name].range
            if limits is not None and not limits[0] <= value <= limits[1]:
                found.append(
                    Finding(
                        "P507",
                        Severity.WARNING,
                        f"vector {case.name!r}: {name} is outside its declared range",
                        f"emits.measurements.{name}.range",
                        expected=f"{limits[0]} to {limits[1]}",
                        observed=repr(value),
                    )
                )
    return found


def _judge_malformed(label: str, reply: Any, contract: Contract) -> list[Finding]:
    names = error_names(reply)
    if names is None:
        readings_of(reply.get("value"), contract)
        return []
    if "Exception" not in names:
        return [
            Finding(
                "P511",
                Severity.ERROR,
                f"malformed input ({label}): {names[0]} ends the process",
                "entry.decode",
                place=place_of(reply),
            )
        ]
    if declared_error(names, contract):
        return []
    return [
        Finding(
            "P508",
            Severity.ERROR,
            f"malformed input ({label}): {names[0]} is not a declared error",
            "errors",
            place=place_of(reply),
            expected="a value, ValueError or treaty.DecodeError",
            observed=thrown(reply, names),
            hint="check the payload's length and head before reading it, and raise treaty.DecodeError",
        )
    ]


def judge_decoder(
    session: Session, entry: str, contract: Contract, cases: tuple[Case, ...], policy: Policy
) -> list[Finding]:
    """Every finding of vectors and malformed inputs; of one cause only the first is told."""
    module, target = entry.split(":")
    step = (("module", module), ("target", target))
    calls = [Call(step, (case_argument(case),), f"vector {case.name!r}") for case in cases]
    malformed = malformed_uplinks(contract, cases, policy.seed)
    calls += [Call(step, (argument,), f"malformed input ({label})") for label, argument in malformed]
    outcomes = session.evaluate(calls)
    found: list[Finding] = []
    for number, (call, outcome) in enumerate(zip(calls, outcomes, strict=True)):
        finding = (
            judge_replies(outcome, call.label, "entry.decode") if outcome.replies or outcome.died else None
        )
        if finding is not None:
            found.append(finding)
        elif outcome.replies:
            reply = outcome.replies[0]
            try:
                if number < len(cases):
                    found += _judge_case(cases[number], reply, contract)
                else:
                    found += _judge_malformed(malformed[number - len(cases)][0], reply, contract)
            except MismatchError as mismatch:
                found.append(
                    Finding(mismatch.code, Severity.ERROR, f"{call.label}: {mismatch}", mismatch.promise)
                )
    return _first_of_each(found)


def _first_of_each(found: list[Finding]) -> list[Finding]:
    """One finding for one cause: malformed inputs often meet the same line many times."""
    kept: dict[object, Finding] = {}
    for finding in found:
        vector = finding.message.startswith("vector")
        cause = (finding.code, finding.place, finding.promise, finding.message if vector else "malformed")
        kept.setdefault(cause, finding)
    return list(kept.values())

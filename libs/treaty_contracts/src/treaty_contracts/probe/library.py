"""Judge promised functions and methods by calling them with made-up arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model.structure import FunctionPromise
from treaty_contracts.probe.decoder import ALWAYS_DECLARED, NEVER_DECLARED
from treaty_contracts.probe.replies import judge_replies, place_of, thrown
from treaty_contracts.probe.session import Call, Session
from treaty_contracts.probe.synthesis import arguments_for
from treaty_contracts.probe.values import error_names, overridden, shown, type_names
from treaty_contracts.signatures.standing import stands_for
from treaty_contracts.signatures.types import Form, parse_type, shown_type, substitute

__all__ = ["Subject", "judge_subjects"]

_MISTAKES = {"ZeroDivisionError", "AttributeError", "NameError", "AssertionError", "TypeError"}
"""What no function raises to say that it cannot read its input."""
_DEFECTS = {"OSError", "StopIteration", "StopAsyncIteration", "RuntimeError"}
_PLAIN = {"bytes", "int", "float", "bool"}
_CALLABLES = {"function", "builtin_function_or_method", "method", "functools.partial"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One promised callable as the child described it."""

    name: str
    promise: FunctionPromise
    path: str
    step: tuple[tuple[str, Any], ...]
    facts: Mapping[str, Any]
    names: Mapping[str, Form]
    method: bool = False

    def parameters(self) -> list[tuple[str, str, bool, Form]]:
        """(name, kind, optional, type) to make arguments for: as promised, else as defined."""
        if self.promise.arguments is not None:
            promised = self.promise.arguments
            if self.method and promised and promised[0].name in {"self", "cls"}:
                promised = promised[1:]
            defined = {part["name"]: part for part in self.facts.get("parameters") or []}
            return [
                (
                    part.name,
                    part.kind,
                    part.optional or part.has_default,
                    substitute(parse_type(part.annotation), self.names)
                    if part.annotation
                    else defined.get(part.name, {}).get("annotation"),
                )
                for part in promised
            ]
        given = list(self.facts.get("parameters") or [])
        if self.method and self.facts.get("binding") == "instance":
            given = given[1:]
        return [
            (part["name"], part["kind"], part["default"] is not None, part["annotation"]) for part in given
        ]

    def iterates(self) -> bool:
        """Whether the result is promised to be iterated over."""
        forms = [form for form in self.outputs() if form[0] == "class"]
        return any(form[1][0].rsplit(".", 1)[-1] in {"Iterator", "Iterable", "Generator"} for form in forms)

    def outputs(self) -> list[Form]:
        """The types a result must have: promised and annotated."""
        forms = [self.facts.get("returns")]
        if self.promise.returns is not None:
            forms.append(substitute(parse_type(self.promise.returns), self.names))
        return [form for form in forms if form is not None]


def satisfies(rendered: Any, form: Form) -> bool:
    """Whether a value the child rendered is of a type; what cannot be known counts as such."""
    match form:
        case None | ["any"] | ["text", _]:
            return True
        case ["union", parts]:
            return any(satisfies(rendered, part) for part in parts)
        case ["none"]:
            return list(rendered) == ["none"]
        case ["literal", text, _]:
            return shown(rendered) == str(text)
    if form[0] == "class" and "typing.TypedDict" in form[1]:
        return bool(rendered[0] == "dict")
    names = ["callable"] if rendered == ["cut"] else type_names(rendered)
    if stands_for(["class", names, []], form) is False:
        return names[0] in _CALLABLES and str(form[1][0]).endswith("Callable")
    match rendered:
        case ["list" | "set" | "frozenset", items] if len(form[2]) == 1:
            return all(satisfies(item, form[2][0]) for item in items)
        case ["tuple", items] if len(form[2]) == len(items):
            return all(satisfies(item, part) for item, part in zip(items, form[2], strict=True))
        case ["dict", items] if len(form[2]) == 2:
            return all(satisfies(key, form[2][0]) and satisfies(value, form[2][1]) for key, value in items)
    return True


def _unwrapped(rendered: Any, subject: Subject) -> tuple[Any, list[Form]]:
    """What was awaited or yielded, and the types it is held to."""
    outputs = subject.outputs()
    match rendered:
        case ["object", [name, *_], [["value", inner]]] if name.endswith("calling.Awaited"):
            if not subject.promise.asynchronous:
                return ["object", ["coroutine", "object"], []], outputs
            return inner, outputs
        case ["object", [name, *_], [["items", ["list", items]]]] if name.endswith("calling.Yielded"):
            if not subject.promise.generator and not subject.iterates():
                return ["object", ["generator", "object"], []], outputs
            inner_forms = [form[2][0] for form in outputs if form[0] == "class" and form[2]]
            return ["list", items], [["class", ["list", "object"], [form]] for form in inner_forms]
    return rendered, outputs


def _is_defect(names: list[str]) -> bool:
    """What a sandbox that blocked something raises, and what no caller can expect."""
    return bool(_DEFECTS & set(names)) and "NotImplementedError" not in names


def _plainly_called(subject: Subject) -> bool:
    """Whether the made-up arguments are surely of the kinds the function takes."""
    forms = [form for _, kind, _, form in subject.parameters() if not kind.startswith("var_")]
    return bool(forms) and all(
        form is not None and form[0] == "class" and form[1][0] in _PLAIN for form in forms
    )


def _undeclared(subject: Subject, names: list[str], declared: frozenset[str] | None) -> bool:
    """Whether an exception is more than a refusal of its input.

    Where the contract lists its errors, any other is. Where it lists none, plain lookups beyond the end
    of a short input (IndexError, KeyError, struct.error) count as a refusal, mistakes do not.
    """
    if _is_defect(names):
        return True
    if not _plainly_called(subject):
        return False
    if declared is None:
        return bool(_MISTAKES & set(names)) and "NotImplementedError" not in names
    known = declared | ALWAYS_DECLARED
    return not any(name in known or name.rsplit(".", 1)[-1] in known for name in names)


def _judge(subject: Subject, reply: Any, label: str, declared: frozenset[str] | None) -> Finding | None:
    names = error_names(reply)
    if names is not None:
        ends = "Exception" not in names or NEVER_DECLARED & set(names)
        if not ends and not _undeclared(subject, names, declared):
            return None
        code = "P511" if "Exception" not in names else "P508"
        return Finding(
            code,
            Severity.ERROR,
            f"{subject.name}{label}: {thrown(reply, names)}",
            subject.path,
            place=place_of(reply),
        )
    if reply.get("endless"):
        message = f"{subject.name}{label} gives a value that is nested without end"
        return Finding("P510", Severity.ERROR, message, subject.path)
    rendered, outputs = _unwrapped(reply.get("value"), subject)
    named = any(form[0] == "class" and form[1][:1] == type_names(rendered)[:1] for form in outputs)
    if (others := overridden(rendered)) and not named:
        message = f"{subject.name}{label} gives a {type_names(rendered)[0]}, which has its own {others[0]}"
        return Finding("P505", Severity.ERROR, message, subject.path, hint="return the built-in type itself")
    for form in outputs:
        if not satisfies(rendered, form):
            return Finding(
                "P505",
                Severity.ERROR,
                f"{subject.name}{label} gives another type than promised",
                subject.path,
                expected=shown_type(form),
                observed=shown(rendered),
            )
    return None


def judge_subjects(
    session: Session,
    subjects: list[Subject],
    keys: list[str],
    seed: int,
    declared: frozenset[str] | None,
) -> list[Finding]:
    """Call every subject, each in processes of its own; findings are the first of each kind for each.

    `declared` are the errors the contract lists, None where it lists none.
    """
    found: list[Finding] = []
    for subject in subjects:
        session.open(0)
        found += _judge_subject(session, subject, keys, seed, declared)
    return found


def _judge_subject(
    session: Session, subject: Subject, keys: list[str], seed: int, declared: frozenset[str] | None
) -> list[Finding]:
    calls = [
        Call(subject.step, tuple(arguments), f"call {number}", tuple(keywords.items()))
        for number, (arguments, keywords) in enumerate(arguments_for(subject.parameters(), keys, seed), 1)
    ]
    found: dict[str, Finding] = {}
    stubs: list[bool] = []
    raised: list[bool] = []
    for call, outcome in zip(calls, session.evaluate(calls), strict=True):
        if not outcome.replies and outcome.died is None:
            continue
        finding = judge_replies(outcome, f"{subject.name}, {call.label}", subject.path)
        if finding is None and not outcome.replies[0].get("unresolved"):
            finding = _judge(subject, outcome.replies[0], f", {call.label}", declared)
            names = error_names(outcome.replies[0])
            raised.append(names is not None and not ALWAYS_DECLARED & set(names))
            stubs.append("NotImplementedError" in (error_names(outcome.replies[0]) or []))
        if finding is not None:
            found.setdefault(finding.code, finding)
    if raised and all(raised) and not found and not all(stubs) and _plainly_called(subject):
        message = f"{subject.name} raises an undeclared error whatever it is given"
        found["P508"] = Finding("P508", Severity.ERROR, message, subject.path)
    if stubs and all(stubs):
        message = f"{subject.name} is not implemented"
        found["P502"] = Finding("P502", Severity.ERROR, message, subject.path)
    return list(found.values())

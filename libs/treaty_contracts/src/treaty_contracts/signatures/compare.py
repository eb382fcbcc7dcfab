"""Promises held against the facts of the code, live ones from the child or static ones from the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model.structure import (
    ArgumentPromise,
    AttributePromise,
    ClassPromise,
    FunctionPromise,
    VariablePromise,
)
from treaty_contracts.probe.values import UnreadableError, plain, shown
from treaty_contracts.signatures.binding import Parameter, refused_call
from treaty_contracts.signatures.standing import stands_for
from treaty_contracts.signatures.types import parse_type, shown_type, substitute

__all__ = ["Comparison", "as_parameters"]

_MISSING = object()
_ITERATED = {f"collections.abc.{name}" for name in ("Iterator", "Iterable", "Generator")}


def as_parameters(facts: list[Mapping[str, Any]]) -> list[Parameter]:
    return [Parameter(fact["name"], fact["kind"], fact["default"] is not None) for fact in facts]


def _promised(arguments: list[ArgumentPromise]) -> list[Parameter]:
    return [Parameter(part.name, part.kind, part.optional or part.has_default) for part in arguments]


def _value(rendered: Any) -> Any:
    try:
        return plain(rendered)
    except (UnreadableError, ValueError, TypeError):
        return _MISSING


def _equal(wanted: Any, rendered: Any) -> bool:
    """Equal in value and type, whole numbers counting as floats."""
    value = _value(rendered)
    numbers = {int, float}
    alike = type(value) is type(wanted) or (type(value) in numbers and type(wanted) in numbers)
    return alike and bool(value == wanted)


class Comparison:
    """Collects findings; `names` are the package's own names that promised types mention."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.findings: list[Finding] = []

    def add(
        self,
        code: str,
        message: str,
        promise: str,
        place: Place | None = None,
        expected: str | None = None,
        observed: str | None = None,
        severity: Severity = Severity.ERROR,
        hint: str | None = None,
    ) -> None:
        self.findings.append(Finding(code, severity, message, promise, None, place, expected, observed, hint))

    def form(self, text: str) -> Any:
        return substitute(parse_type(text), self.names)

    def types(
        self, what: str, given: Any, wanted: Any, promise: str, place: Place | None, returned: bool
    ) -> None:
        """`returned`: the definition may give something narrower; an argument may take something wider."""
        verdict = stands_for(given, wanted) if returned else stands_for(wanted, given)
        if given is None:
            verdict = False
        if verdict is False:
            self.add(
                "S203",
                f"{what} has another type than promised",
                promise,
                place,
                shown_type(wanted),
                shown_type(given),
            )
        elif verdict is None:
            self.add(
                "S203",
                f"{what}: nothing can be said of its type",
                promise,
                place,
                shown_type(wanted),
                shown_type(given),
                Severity.WARNING,
            )

    def function(
        self,
        name: str,
        wanted: FunctionPromise,
        facts: Mapping[str, Any] | None,
        promise: str,
        place: Place | None,
        method: bool = False,
    ) -> None:
        if facts is None:
            self.add("S201", f"{name} is missing", promise, place)
            return
        if not facts.get("callable"):
            self.add("S210", f"{name} cannot be called", promise, place)
            return
        for key, word in (("asynchronous", "asynchronous"), ("generator", "a generator")):
            if key == "generator" and facts.get(key) and self.iterated(wanted):
                continue
            if bool(facts.get(key)) != getattr(wanted, key):
                code = f"{name} is {'' if facts.get(key) else 'not '}{word}"
                self.add(
                    "S204",
                    code,
                    promise,
                    place,
                    word if getattr(wanted, key) else f"not {word}",
                    None,
                    hint="a caller that does not await or iterate gets no result",
                )
        if facts.get("overridden"):
            self.add("S209", f"{name} hides its real signature behind __signature__", promise, place)
        self.arguments(name, wanted, facts, promise, place, method)
        if wanted.returns is not None:
            given = facts.get("returns")
            if given is None and facts.get("passthrough"):
                return
            self.types(
                f"what {name} returns", given, self.form(wanted.returns), promise + ".returns", place, True
            )

    def iterated(self, wanted: FunctionPromise) -> bool:
        """Whether the promised result is only iterated over: a generator serves as well."""
        form = self.form(wanted.returns) if wanted.returns is not None else None
        return bool(form and form[0] == "class" and form[1][0] in _ITERATED)

    def arguments(
        self,
        name: str,
        wanted: FunctionPromise,
        facts: Mapping[str, Any],
        promise: str,
        place: Place | None,
        method: bool,
    ) -> None:
        if wanted.arguments is None:
            return
        promised = list(wanted.arguments)
        if method and promised and promised[0].name in {"self", "cls"}:
            promised = promised[1:]
        given = facts.get("parameters")
        if given is None:
            self.add("S211", f"the arguments of {name} cannot be established", promise, place)
            return
        given = list(given)
        own = wanted.arguments[0].name if method and wanted.arguments else ""
        bound = {"self": "instance", "cls": "class"}.get(own)
        if bound is not None and facts.get("binding") == "static":
            self.add(
                "S202", f"{name} is static: it takes no {own}", promise, place, f"a method of the {bound}"
            )
            return
        if method and facts.get("binding") == "instance":
            given = given[1:] if given and given[0]["kind"] != "var_positional" else given
        refused = refused_call(_promised(promised), as_parameters(given))
        if refused is not None:
            call = ", ".join(
                f"{'*' * (part['kind'].startswith('var_') + (part['kind'] == 'var_keyword'))}{part['name']}"
                for part in given
            )
            self.add(
                "S202",
                f"{name} refuses a call its promise allows: {name}{refused}",
                promise,
                place,
                f"({', '.join(part.name for part in promised)})",
                f"({call})",
            )
            return
        by_name = {part["name"]: part for part in given}
        for argument in promised:
            fact = by_name.get(argument.name)
            at = f"{promise}.arguments"
            if fact is None:
                continue
            if argument.annotation is not None:
                self.types(
                    f"the argument {argument.name} of {name}",
                    fact["annotation"],
                    self.form(argument.annotation),
                    at,
                    place,
                    False,
                )
            if argument.has_default and not _equal(argument.default, fact["default"]):
                observed = shown(fact["default"]) if fact["default"] is not None else "no default"
                self.add(
                    "S205",
                    f"the argument {argument.name} of {name} has another default",
                    at,
                    place,
                    repr(argument.default),
                    observed,
                )

    def variable(
        self,
        name: str,
        wanted: VariablePromise | AttributePromise,
        facts: Mapping[str, Any] | None,
        promise: str,
        place: Place | None,
    ) -> None:
        if facts is None:
            self.add("S201", f"{name} is missing", promise, place)
            return
        if wanted.annotation is not None:
            given = facts.get("annotation")
            if given is None or given == ["any"]:
                given = facts.get("type", given)
            self.types(name, given, self.form(wanted.annotation), promise + ".annotation", place, True)
        if wanted.has_value:
            if "value" not in facts:
                self.add(
                    "S205",
                    f"the value of {name} cannot be established",
                    promise + ".value",
                    place,
                    repr(wanted.value),
                )
            elif not _equal(wanted.value, facts["value"]):
                self.add(
                    "S205",
                    f"{name} has another value",
                    promise + ".value",
                    place,
                    repr(wanted.value),
                    shown(facts["value"]),
                )

    def class_(
        self,
        name: str,
        wanted: ClassPromise,
        facts: Mapping[str, Any] | None,
        promise: str,
        place: Place | None,
    ) -> None:
        if facts is None:
            self.add("S201", f"the class {name} is missing", promise, place)
            return
        if not facts.get("class"):
            self.add("S210", f"{name} is no class but {facts.get('type', 'something else')}", promise, place)
            return
        for method, function in wanted.methods.items():
            self.function(
                f"{name}.{method}",
                function,
                facts["methods"].get(method),
                f"{promise}.methods.{method}",
                place,
                method=True,
            )
        if missing := [base for base in facts.get("unimplemented", ()) if base not in wanted.methods]:
            message = f"no {name} can be made: {', '.join(missing)} is abstract and not implemented"
            self.add("S210", message, promise, place, hint=f"define {missing[0]} in {name}")
        for attribute, variable in wanted.attributes.items():
            at = f"{promise}.attributes.{attribute}"
            held = facts["attributes"].get(attribute)
            if held is not None and held.get("here") is False and not held.get("instance"):
                held = held if held.get("annotation") is not None and variable.scope == "instance" else None
            if held is None:
                self.add("S207", f"the attribute {name}.{attribute} is missing", at, place)
            else:
                self.variable(f"{name}.{attribute}", variable, held, at, place)
        bases = wanted.superclasses
        for base in bases:
            if not any(base.rsplit(".", 1)[-1] == held.rsplit(".", 1)[-1] for held in facts["lineage"][1:]):
                self.add(
                    "S206",
                    f"{name} does not inherit from {base}",
                    f"{promise}.superclasses",
                    place,
                    base,
                    ", ".join(facts["lineage"][1:]),
                )
            elif isinstance(bases, dict):
                self.class_(name, bases[base], facts, f"{promise}.superclasses.{base}", place)

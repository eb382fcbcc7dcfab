"""Runs inside the confined child: standard library, `treaty` and the sandbox's loader only.

It loads a package given in memory under a synthetic package, describes the promised objects as they
really are and calls them with the given arguments. It judges nothing and knows no expected value:
everything it says is checked by the parent.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import copy
import dataclasses
import decimal
import enum
import functools
import inspect
import io
import itertools
import json
import logging
import math
import operator
import os
import re
import signal
import struct
import sys
import threading
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

import treaty
import treaty.quantities
from treaty_sandbox.inside.package import NAME as ROOT
from treaty_sandbox.inside.package import Package

WATCHED = tuple(
    module.__name__
    for module in (
        builtins,
        collections,
        contextlib,
        copy,
        dataclasses,
        decimal,
        enum,
        functools,
        itertools,
        json,
        logging,
        math,
        operator,
        re,
        struct,
        typing,
        treaty,
        treaty.reading,
        treaty.uplink,
        treaty.errors,
    )
)
"""Modules whose names no package may replace."""

MAX_DEPTH = 12
MAX_NODES = 20_000
MAX_TEXT = 65_536
MAX_ITEMS = 256


def class_name(kind: type) -> str:
    """`builtins` names stand bare; the package's own lose the synthetic root."""
    module = str(type.__getattribute__(kind, "__module__"))
    name = str(type.__getattribute__(kind, "__qualname__"))
    if module == "builtins":
        return name
    return f"{module.removeprefix(ROOT + '.')}.{name}"


def lineage(kind: type) -> list[str]:
    return [class_name(base) for base in type.__getattribute__(kind, "__mro__")]


class Renderer:
    """A value as plain data with its types told, bounded in depth and size."""

    def __init__(self) -> None:
        self.nodes = 0

    def render(self, value: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            return ["cut"]
        kind = type(value)
        if value is None:
            return ["none"]
        if kind is bool:
            return ["bool", value]
        if kind is int:
            return ["int", hex(value)]
        if kind is float:
            return ["float", value.hex()]
        if kind is str:
            return ["str", value[:MAX_TEXT].encode("utf-8", "backslashreplace").decode(), len(value)]
        if kind in (bytes, bytearray):
            return [kind.__name__, bytes(value[:MAX_TEXT]).hex(), len(value)]
        if kind in (list, tuple, set, frozenset):
            return [kind.__name__, [self.render(item, depth + 1) for item in value]]
        if kind is dict:
            return [
                "dict",
                [[self.render(k, depth + 1), self.render(v, depth + 1)] for k, v in value.items()],
            ]
        return self.other(value, kind, depth)

    def other(self, value: Any, kind: type, depth: int) -> Any:
        if kind is datetime:
            offset = value.utcoffset()
            moment = value if offset is None else value.astimezone(timezone.utc)  # noqa: UP017
            return ["datetime", moment.isoformat(), offset is not None]
        names = lineage(kind)
        if kind in (types.CoroutineType, types.GeneratorType):
            value.close()
            return ["object", names, []]
        parts: list[Any] = []
        if issubclass(kind, Mapping):
            parts = [["<items>", self.render(dict(value), depth + 1)]]
        elif issubclass(kind, int | float | str | bytes | list | tuple | set | frozenset):
            base = next(base for base in kind.__mro__ if base.__module__ == "builtins" and base is not kind)
            parts = [["<value>", self.render(base(value) if base is not object else None, depth + 1)]]
        fields = getattr(kind, "__dataclass_fields__", None)
        if isinstance(fields, dict):
            parts += [[name, self.render(getattr(value, name, None), depth + 1)] for name in fields]
        elif "enum.Enum" in names:
            parts += [["value", self.render(value.value, depth + 1)]]
        elif "decimal.Decimal" in names or "fractions.Fraction" in names:
            parts += [["value", ["str", str(value), 0]]]
        elif isinstance(getattr(value, "__dict__", None), dict) and not callable(value):
            parts += [[str(name), self.render(part, depth + 1)] for name, part in sorted(vars(value).items())]
        return ["object", names, parts]


def describe_type(annotation: Any, depth: int = 0) -> Any:
    """A type as plain data: what a promise written as text is compared with."""
    if annotation is inspect.Parameter.empty:
        return None
    if depth > MAX_DEPTH:
        return ["any"]
    again = depth + 1
    if annotation is None or annotation is type(None):
        return ["none"]
    if annotation is typing.Any:
        return ["any"]
    if isinstance(annotation, str):
        return ["text", annotation]
    if isinstance(annotation, typing.ForwardRef):
        return ["text", annotation.__forward_arg__]
    if isinstance(annotation, typing.TypeVar):
        bound = annotation.__bound__
        choices = annotation.__constraints__
        if choices:
            return ["union", [describe_type(choice, again) for choice in choices]]
        return describe_type(bound, again) if bound is not None else ["any"]
    supertype = getattr(annotation, "__supertype__", None)
    if supertype is not None:
        return describe_type(supertype, again)
    if hasattr(annotation, "__value__") and type(annotation).__name__ == "TypeAliasType":
        return describe_type(annotation.__value__, again)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return ["union", [describe_type(part, again) for part in arguments]]
    if origin is typing.Literal:
        return ["union", [["literal", repr(part), type(part).__name__] for part in arguments]]
    if origin is typing.Annotated:
        return describe_type(arguments[0], again)
    if origin in (typing.ClassVar, typing.Final):
        return describe_type(arguments[0], again) if arguments else ["any"]
    if origin is not None and isinstance(origin, type):
        inner = [] if origin.__name__ == "Callable" else [describe_type(part, again) for part in arguments]
        return [
            "class",
            lineage(origin),
            [part for part in inner if part != ["class", ["ellipsis", "object"], []]],
        ]
    if isinstance(annotation, type):
        names = lineage(annotation)
        if typing.is_typeddict(annotation):
            names = [class_name(annotation), "dict", "typing.TypedDict", "object"]
        return ["class", names, []]
    name = getattr(annotation, "__qualname__", None) or getattr(annotation, "_name", None)
    return ["text", str(name or annotation).removeprefix("typing.")]


def hints_of(target: Any, scope: dict[str, Any]) -> dict[str, Any]:
    """The annotations, resolved where they can be; an unresolvable one stays text."""
    raw = dict(getattr(target, "__annotations__", None) or {})
    for name, annotation in raw.items():
        if isinstance(annotation, str):
            with contextlib.suppress(Exception):
                raw[name] = eval(annotation, scope)  # noqa: S307 - the plugin's own annotation, in the child
    return raw


def unwrapped(target: Any) -> Any:
    """The function behind wrappers, partials and methods, whose annotations speak for the whole."""
    for _ in range(50):
        if hasattr(target, "__wrapped__"):
            target = target.__wrapped__
        elif type(target).__module__ == "functools" and hasattr(target, "func"):
            target = target.func
        elif inspect.ismethod(target):
            target = target.__func__
        elif not inspect.isroutine(target) and not isinstance(target, type) and callable(target):
            call = getattr(type(target), "__call__", None)  # noqa: B004
            if not inspect.isfunction(call):
                return target
            target = call
        else:
            return target
    return target


def layers(target: Any) -> Iterator[Any]:
    """The target and everything it stands in front of."""
    for _ in range(50):
        yield target
        if hasattr(target, "__wrapped__"):
            target = target.__wrapped__
        elif type(target).__module__ == "functools" and hasattr(target, "func"):
            target = target.func
        else:
            return


def parameters_of(target: Any, follow: bool) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(target, follow_wrapped=follow).parameters.values())
    except (TypeError, ValueError):
        return None


def describe_callable(target: Any) -> dict[str, Any]:
    """How the target may really be called, with the annotations of what it wraps."""
    inner = unwrapped(target)
    scope = dict(getattr(inner, "__globals__", {}))
    hints = hints_of(inner, scope)
    outer = parameters_of(target, follow=False)
    wrapped = parameters_of(target, follow=True)
    passthrough = bool(
        outer is not None
        and {parameter.kind for parameter in outer}
        >= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    )
    used = wrapped if hasattr(target, "__wrapped__") and (passthrough or outer is None) else outer
    described = None
    if used is not None:
        described = [
            {
                "name": parameter.name,
                "kind": parameter.kind.name.lower(),
                "default": None
                if parameter.default is inspect.Parameter.empty
                else Renderer().render(parameter.default),
                "annotation": describe_type(
                    hints.get(parameter.name, parameter.annotation)
                    if parameter.annotation is inspect.Parameter.empty
                    or isinstance(parameter.annotation, str)
                    else parameter.annotation
                ),
            }
            for parameter in used
        ]
    function_layers = [*layers(target), inner]
    return {
        "callable": callable(target),
        "parameters": described,
        "passthrough": passthrough and not hasattr(target, "__wrapped__"),
        "returns": describe_type(hints.get("return", inspect.Parameter.empty)),
        "asynchronous": any(
            inspect.iscoroutinefunction(layer) or inspect.isasyncgenfunction(layer)
            for layer in function_layers
        ),
        "generator": any(
            inspect.isgeneratorfunction(layer) or inspect.isasyncgenfunction(layer)
            for layer in function_layers
        ),
        "overridden": any("__signature__" in getattr(layer, "__dict__", {}) for layer in function_layers),
    }


def describe_class(kind: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(kind, type):
        return {"class": False, "type": class_name(type(kind))}
    methods: dict[str, Any] = {}
    for name in wanted.get("methods", ()):
        try:
            raw = inspect.getattr_static(kind, name)
        except AttributeError:
            continue
        bound = getattr(kind, name)
        facts = describe_callable(bound)
        facts["binding"] = (
            "static"
            if isinstance(raw, staticmethod)
            else "class"
            if isinstance(raw, classmethod)
            else "instance"
        )
        methods[name] = facts
    attributes: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        module = sys.modules.get(base.__module__)
        annotations.update(hints_of(base, dict(vars(module)) if module else {}))
    for name in wanted.get("attributes", ()):
        facts = {"annotation": describe_type(annotations.get(name, inspect.Parameter.empty)), "here": False}
        try:
            held = inspect.getattr_static(kind, name)
        except AttributeError:
            held = inspect.Parameter.empty
        if isinstance(held, property) and held.fget is not None:
            facts["annotation"] = describe_callable(held.fget)["returns"]
            facts["here"] = True
        elif type(held).__name__ in {"member_descriptor", "cached_property"}:
            facts["here"] = False
            if type(held).__name__ == "cached_property":
                facts["here"] = True
        elif held is not inspect.Parameter.empty:
            facts.update(here=True, value=Renderer().render(held), type=describe_type(type(held)))
        attributes[name] = facts
    return {
        "class": True,
        "lineage": lineage(kind),
        "methods": methods,
        "attributes": attributes,
        "constructor": describe_callable(kind),
    }


def find(module: types.ModuleType, dotted: str) -> Any:
    target: Any = module
    for part in dotted.split("."):
        target = getattr(target, part)
    return target


def failure(error: BaseException) -> dict[str, Any]:
    where: list[Any] = []
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename.endswith(".py") and not filename.startswith("/"):
            where = [filename, trace.tb_lineno]
        trace = trace.tb_next
    try:
        message = str(error)[:500]
    except Exception:
        message = ""
    return {"error": lineage(type(error)), "message": message, "at": where}


def argument(value: Any) -> Any:
    """An argument as the parent wrote it: tagged where JSON has no such value."""
    if isinstance(value, dict):
        [(tag, body)] = value.items()
        if tag == "bytes":
            return bytes.fromhex(body)
        if tag == "bytearray":
            return bytearray.fromhex(body)
        if tag == "dict":
            return {key: argument(part) for key, part in body.items()}
        if tag == "tuple":
            return tuple(argument(part) for part in body)
        if tag == "time":
            return datetime.fromtimestamp(body / 1000, timezone.utc)  # noqa: UP017
        if tag == "uplink":
            return treaty.Uplink(
                payload=bytes.fromhex(body[0]),
                f_port=body[1],
                model=body[2],
                content_type=body[3],
                received_at=datetime.fromtimestamp(body[4] / 1000, timezone.utc),  # noqa: UP017
            )
        if tag == "action":
            return treaty.Action(name=body[0], model=body[1], arguments=body[2])
    if isinstance(value, list):
        return [argument(part) for part in value]
    return value


def settled(result: Any) -> Any:
    """What a coroutine comes to when nothing makes it wait, and the first items of a generator."""
    if type(result) is types.CoroutineType:
        try:
            result.send(None)
        except StopIteration as stop:
            return Awaited(stop.value)
        result.close()
        return result
    if type(result) is types.GeneratorType:
        return Yielded(list(itertools.islice(result, MAX_ITEMS)))
    return result


@dataclasses.dataclass(slots=True)
class Awaited:
    """What an asynchronous function returned."""

    value: Any


@dataclasses.dataclass(slots=True)
class Yielded:
    """What a generator yielded."""

    items: list[Any]


class Prober:
    """Answers one question a message; `load` must be the first.

    ["load", [module]] -> {"modules": {module: null | failure}, "effects": [text]}
    ["describe", {module: {functions, classes, variables, names}}] -> facts
    ["call", step, [argument], {name: argument}] -> {"value": rendered} | failure, a step being
    {module, target} or {module, target: "Class.method", construct: [argument]}
    ["calls", [[step, [argument], {name: argument}]]] -> a reply each
    ["effects"] -> [text]
    """

    def __init__(self, package: Package) -> None:
        self.package = package
        self.loaded: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}
        self.watch = Watch()

    def __call__(self, message: list[Any]) -> tuple[str, Any]:
        if message[0] == "load":
            return "ok", {"modules": self.load(message[1]), "effects": self.watch.effects()}
        if message[0] == "describe":
            return "ok", {name: self.describe(name, wanted) for name, wanted in message[1].items()}
        if message[0] == "calls":
            return "ok", [self.call(*part) for part in message[1]]
        if message[0] == "effects":
            return "ok", self.watch.effects()
        return "ok", self.call(message[1], message[2], message[3])

    def load(self, modules: list[str]) -> dict[str, Any]:
        self.watch.begin()
        for name in modules:
            try:
                self.package.load(name)
                self.loaded[name] = None
            except BaseException as error:
                self.loaded[name] = failure(error)
        return self.loaded

    def describe(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.loaded.get(name, "absent") is not None:
            return None
        module = sys.modules[f"{ROOT}.{name}"]
        scope = dict(vars(module))
        hints = hints_of(module, scope)
        found: dict[str, Any] = {"functions": {}, "classes": {}, "variables": {}, "names": {}}
        for promised, detail in wanted.get("classes", {}).items():
            with contextlib.suppress(AttributeError):
                found["classes"][promised] = describe_class(find(module, promised), detail)
        for promised in wanted.get("functions", ()):
            with contextlib.suppress(AttributeError):
                found["functions"][promised] = describe_callable(find(module, promised))
        for promised in wanted.get("variables", ()):
            with contextlib.suppress(AttributeError):
                target = find(module, promised)
                found["variables"][promised] = {
                    "value": Renderer().render(target),
                    "type": describe_type(type(target)),
                    "annotation": describe_type(hints.get(promised, inspect.Parameter.empty)),
                }
        for text in wanted.get("names", ()):
            with contextlib.suppress(AttributeError):
                own = (
                    find(treaty, text.removeprefix("treaty."))
                    if text.startswith("treaty.")
                    else find(module, text)
                )
                found["names"][text] = describe_type(own)
        return found

    def call(
        self, step: Mapping[str, Any], arguments: list[Any], keywords: Mapping[str, Any]
    ) -> dict[str, Any]:
        key = json.dumps(step, sort_keys=True)
        try:
            if key not in self.targets or "construct" in step:
                self.targets[key] = self.resolve(step)
            given = [argument(value) for value in arguments]
            named = {name: argument(value) for name, value in keywords.items()}
        except BaseException as error:
            return {"unresolved": True, **failure(error)}
        try:
            result = settled(self.targets[key](*given, **named))
        except BaseException as error:
            return failure(error)
        try:
            return {"value": Renderer().render(result)}
        except BaseException:
            return {"value": ["object", lineage(type(result)), []]}

    def resolve(self, step: Mapping[str, Any]) -> Any:
        module = sys.modules[f"{ROOT}.{step['module']}"]
        if "construct" not in step:
            return find(module, step["target"])
        kind, method = step["target"].rsplit(".", 1)
        return getattr(find(module, kind)(*[argument(value) for value in step["construct"]]), method)


class _Recorder(io.TextIOBase):
    """Standard output and error of the child: counts what is written and keeps nothing."""

    def __init__(self) -> None:
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += 1
        return len(text)


class Watch:
    """What of the interpreter's own state a package changed."""

    def __init__(self) -> None:
        self.output = _Recorder()
        self.before: dict[str, Any] = {}

    def begin(self) -> None:
        sys.stdout = sys.stderr = self.output
        self.before = self.state()

    @staticmethod
    def state() -> dict[str, Any]:
        context = decimal.getcontext()
        root = logging.getLogger()
        held: dict[str, Any] = {
            "the decimal context": (context.prec, context.rounding, tuple(context.traps.values())),
            "the warnings' filters": tuple(warnings.filters),
            "the root logger": (
                root.level,
                tuple(map(id, root.handlers)),
                tuple(map(id, root.filters)),
                root.disabled,
                logging.root.manager.disable,
            ),
            "the import path": (
                tuple(sys.path),
                tuple(map(id, sys.meta_path)),
                tuple(map(id, sys.path_hooks)),
            ),
            "the recursion limit": sys.getrecursionlimit(),
            "the environment": tuple(sorted(os.environ.items())),
            "the hooks": (id(sys.excepthook), id(sys.displayhook), id(sys.gettrace()), id(sys.getprofile())),
            "signal handlers": tuple(id(signal.getsignal(number)) for number in (1, 2, 11, 14, 15)),
            "the threads": threading.active_count(),
        }
        for name in WATCHED:
            held[f"the module {name}"] = {key: id(value) for key, value in vars(sys.modules[name]).items()}
        return held

    def effects(self) -> list[str]:
        found = ["standard output"] if self.output.written else []
        after = self.state()
        for what, before in self.before.items():
            if not isinstance(before, dict):
                if before != after[what]:
                    found.append(what)
                continue
            for key, held in before.items():
                if after[what].get(key) != held and key != "_cache":
                    found.append(f"{what.removeprefix('the module ')}.{key}")
        return found


def prober(package: Package, _options: Mapping[str, Any]) -> Prober:
    """The runner the confined child is started with."""
    return Prober(package)

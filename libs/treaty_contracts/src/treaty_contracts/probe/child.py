"""Runs inside the confined child, as a file of its own: standard library and `treaty` only.

It is given a package's sources in memory, loads them under a synthetic package, describes the
promised objects as they really are and calls them with the given arguments. It judges nothing and
knows no expected value: everything it says is checked by the parent.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from typing import Any

ROOT = "treaty_plugin"
MAX_DEPTH = 12
MAX_NODES = 20_000
MAX_TEXT = 65_536


class Memory(MetaPathFinder, Loader):
    """Imports the package's modules from memory: relative ones, and absolute ones of its top level."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self.top = {path.split("/", 1)[0].removesuffix(".py") for path in sources}

    def _file(self, name: str) -> tuple[str, bool] | None:
        inner = name[len(ROOT) + 1 :].replace(".", "/")
        init = f"{inner}/__init__.py" if inner else "__init__.py"
        if init in self.sources:
            return init, True
        if inner and inner + ".py" in self.sources:
            return inner + ".py", False
        if not inner or any(path.startswith(inner + "/") for path in self.sources):
            return "", True
        return None

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname == ROOT or fullname.startswith(ROOT + "."):
            found = self._file(fullname)
            if found is None:
                return None
            spec = spec_from_loader(fullname, self, origin="treaty-plugin:" + found[0], is_package=found[1])
            if spec is not None and found[1]:
                spec.submodule_search_locations = []
            return spec
        if fullname.split(".", 1)[0] in self.top and self._file(f"{ROOT}.{fullname}") is not None:
            return spec_from_loader(fullname, _Same(f"{ROOT}.{fullname}"))
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        found = self._file(module.__name__)
        if found is None or not found[0]:
            return
        code = compile(self.sources[found[0]], "<plugin>/" + found[0], "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - running the plugin is what this confined child is for


class _Same(Loader):
    """`import helper` and `from . import helper` are one module, loaded once."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        __import__(self.name)
        return sys.modules[self.name]

    def exec_module(self, module: types.ModuleType) -> None:
        return None


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
        close = getattr(value, "close", None)
        if inspect.iscoroutine(value) or inspect.isgenerator(value):
            if callable(close):
                close()
            return ["object", names, []]
        parts: list[Any] = []
        if isinstance(value, Mapping):
            parts = [["<items>", self.render(dict(value), depth + 1)]]
        elif isinstance(value, int | float | str | bytes | list | tuple | set | frozenset):
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
            names = [class_name(annotation), "dict", "collections.abc.Mapping", "object"]
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
    used = wrapped if passthrough and hasattr(target, "__wrapped__") else outer
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
        if filename.startswith("<plugin>/"):
            where = [filename.removeprefix("<plugin>/"), trace.tb_lineno]
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
            from treaty import Uplink  # noqa: PLC0415 - only decoders need the SDK

            return Uplink(
                payload=bytes.fromhex(body[0]),
                f_port=body[1],
                model=body[2],
                content_type=body[3],
                received_at=datetime.fromtimestamp(body[4] / 1000, timezone.utc),  # noqa: UP017
            )
        if tag == "action":
            from treaty import Action  # noqa: PLC0415

            return Action(name=body[0], model=body[1], arguments=body[2])
    if isinstance(value, list):
        return [argument(part) for part in value]
    return value


class Prober:
    """Answers one question a message; `load` must be the first.

    ["load", {path: source}, [module]] -> {module: null | failure}
    ["describe", {module: {functions, classes, variables}}] -> facts
    ["call", step, [argument], {name: argument}] -> {"value": rendered} | failure, a step being
    {module, target} or {module, target: "Class.method", construct: [argument]}
    """

    def __init__(self) -> None:
        self.loaded: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}

    def __call__(self, message: list[Any]) -> Any:
        if message[0] == "load":
            return self.load(message[1], message[2])
        if message[0] == "describe":
            return {name: self.describe(name, wanted) for name, wanted in message[1].items()}
        return self.call(message[1], message[2], message[3])

    def load(self, sources: Mapping[str, str], modules: list[str]) -> dict[str, Any]:
        sys.meta_path.append(Memory(sources))
        for name in modules:
            try:
                __import__(f"{ROOT}.{name}")
                self.loaded[name] = None
            except BaseException as error:
                self.loaded[name] = failure(error)
        return self.loaded

    def describe(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.loaded.get(name, "absent") is not None:
            return None
        module = sys.modules[f"{ROOT}.{name}"]
        hints = hints_of(module, dict(vars(module)))
        found: dict[str, Any] = {"functions": {}, "classes": {}, "variables": {}}
        for kind, described in found.items():
            for promised, detail in wanted.get(kind, {}).items():
                try:
                    target = find(module, promised)
                except AttributeError:
                    continue
                if kind == "classes":
                    described[promised] = describe_class(target, detail)
                elif kind == "functions":
                    described[promised] = describe_callable(target)
                else:
                    described[promised] = {
                        "value": Renderer().render(target),
                        "type": describe_type(type(target)),
                        "annotation": describe_type(hints.get(promised, inspect.Parameter.empty)),
                    }
        return found

    def call(
        self, step: Mapping[str, Any], arguments: list[Any], keywords: Mapping[str, Any]
    ) -> dict[str, Any]:
        key = json.dumps(step, sort_keys=True)
        try:
            if key not in self.targets:
                self.targets[key] = self.resolve(step)
            given = [argument(value) for value in arguments]
            named = {name: argument(value) for name, value in keywords.items()}
        except BaseException as error:
            return {"unresolved": True, **failure(error)}
        try:
            return {"value": Renderer().render(self.targets[key](*given, **named))}
        except BaseException as error:
            return failure(error)

    def resolve(self, step: Mapping[str, Any]) -> Any:
        module = sys.modules[f"{ROOT}.{step['module']}"]
        if "construct" not in step:
            return find(module, step["target"])
        kind, method = step["target"].rsplit(".", 1)
        return getattr(find(module, kind)(*[argument(value) for value in step["construct"]]), method)


def prober(_package: object, _options: Mapping[str, Any]) -> Prober:
    """The runner the confined child is started with; sources arrive with the first message."""
    return Prober()


def main() -> None:
    """Speak JSON lines, one reply a message, on what standard input and output were."""
    replies = os.fdopen(os.dup(1), "wb")
    questions = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    probe = Prober()
    for line in questions:
        replies.write(json.dumps(probe(json.loads(line))).encode() + b"\n")
        replies.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

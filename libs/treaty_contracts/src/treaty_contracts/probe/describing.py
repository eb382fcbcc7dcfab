"""In the child: types, callables and classes as they really are, as plain data."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from treaty_contracts.probe.rendering import MAX_DEPTH, Renderer, class_name, lineage

__all__ = ["describe_callable", "describe_class", "describe_type", "hints_of"]

MAX_TYPES = 2_000


def describe_type(annotation: Any) -> Any:
    """A type as plain data: what a promise written as text is compared with."""
    try:
        return _described(annotation, 0, itertools.count())
    except _TooLargeError:
        return ["text", f"a type of more than {MAX_TYPES} parts"]


class _TooLargeError(Exception):
    """A type made of types made of types: written out, it would have no end."""


def _described(annotation: Any, depth: int, parts: Iterator[int]) -> Any:
    if next(parts) > MAX_TYPES:
        raise _TooLargeError
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
            return ["union", [_described(choice, again, parts) for choice in choices]]
        return _described(bound, again, parts) if bound is not None else ["any"]
    supertype = getattr(annotation, "__supertype__", None)
    if supertype is not None:
        return _described(supertype, again, parts)
    if hasattr(annotation, "__value__") and type(annotation).__name__ == "TypeAliasType":
        return _described(annotation.__value__, again, parts)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return ["union", [_described(part, again, parts) for part in arguments]]
    if origin is typing.Literal:
        return ["union", [["literal", repr(part), type(part).__name__] for part in arguments]]
    if origin is typing.Annotated:
        return _described(arguments[0], again, parts)
    if origin in (typing.ClassVar, typing.Final):
        return _described(arguments[0], again, parts) if arguments else ["any"]
    if origin is not None and isinstance(origin, type):
        inner = (
            [] if origin.__name__ == "Callable" else [_described(part, again, parts) for part in arguments]
        )
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
        "unimplemented": sorted(
            name for name in getattr(kind, "__abstractmethods__", ()) if name not in vars(kind)
        ),
    }

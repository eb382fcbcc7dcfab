"""Runs inside the confined child: standard library, `treaty` and the sandbox's loader only.

It loads a package given in memory under a synthetic package, describes the promised objects as they
really are and calls them with the given arguments. It judges nothing and knows no expected value:
everything it says is checked by the parent.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
import types
from collections.abc import Mapping
from typing import Any

import treaty
from treaty_contracts.probe.calling import argument, settled
from treaty_contracts.probe.describing import describe_callable, describe_class, describe_type, hints_of
from treaty_contracts.probe.rendering import Renderer, failure, lineage
from treaty_contracts.probe.watching import Watch
from treaty_sandbox.inside.package import NAME as ROOT
from treaty_sandbox.inside.package import Package

__all__ = ["Prober", "prober"]


def full_name(module: str) -> str:
    """A module's name under the synthetic package; `__init__` is the package itself."""
    return f"{ROOT}.{module}".removesuffix(".__init__")


def find(module: types.ModuleType, dotted: str) -> Any:
    target: Any = module
    for part in dotted.split("."):
        target = getattr(target, part)
    return target


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
        module = sys.modules[full_name(name)]
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
        reply = self.answer(self.targets[key], given, named)
        uplinks = [part for part in given if type(part) is treaty.Uplink]
        if uplinks and uplinks != [part for part in map(argument, arguments) if type(part) is treaty.Uplink]:
            reply["changed"] = True
        return reply

    @staticmethod
    def answer(target: Any, given: list[Any], named: dict[str, Any]) -> dict[str, Any]:
        try:
            result = settled(target(*given, **named))
        except BaseException as error:
            return failure(error)
        try:
            renderer = Renderer()
            value = renderer.render(result)
            return {"value": value, "endless": True} if renderer.endless else {"value": value}
        except MemoryError as error:
            # What cannot be told within its memory could not be sent within it either.
            return failure(error)
        except BaseException:
            return {"value": ["object", lineage(type(result)), []]}

    def resolve(self, step: Mapping[str, Any]) -> Any:
        module = sys.modules[full_name(step["module"])]
        if "construct" not in step:
            return find(module, step["target"])
        kind, method = step["target"].rsplit(".", 1)
        return getattr(find(module, kind)(*[argument(value) for value in step["construct"]]), method)


def prober(package: Package, _options: Mapping[str, Any]) -> Prober:
    """The runner the confined child is started with; its package is importable by then."""
    return Prober(package)

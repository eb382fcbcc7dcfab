"""Runs inside the confined child for JavaScript: a LoRaWAN codec that answers as the Python probe does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from treaty_contracts.probe.rendering import Renderer, failure
from treaty_sandbox.inside.javascript import decoder
from treaty_sandbox.inside.package import Package

__all__ = ["prober"]

_READING = ["treaty.reading.Reading", "object"]
_POSITION = ["treaty.reading.Position", "object"]


def _rendered(reading: tuple[Any, ...]) -> Any:
    measurements, properties, position, _observed_at = reading
    render = Renderer().render
    place: Any = ["none"]
    if position is not None:
        names = ("latitude", "longitude", "altitude", "accuracy")
        place = [
            "object",
            _POSITION,
            [[name, render(value)] for name, value in zip(names, position, strict=True)],
        ]
    parts = [["measurements", render(measurements)], ["properties", render(properties)], ["position", place]]
    return ["object", _READING, [*parts, ["observed_at", ["none"]]]]


def _reply(kind: str, *body: Any) -> dict[str, Any]:
    """The codec runner's reply, as the Python probe would have told it."""
    if kind == "ok":
        return {"value": ["list", [_rendered(reading) for reading in body[0]]]}
    code, text = body
    if code == "malformed_output":
        return {"value": ["object", [text, "object"], []]}
    name = "ValueError" if code == "decode_error" else text.split(":", 1)[0]
    return {"error": [name, "Exception", "BaseException", "object"], "message": text, "at": []}


class CodecProber:
    """`load`, `call` and `calls` of the Python probe; a step's target is the entry, whatever it says."""

    def __init__(self, package: Package, options: Mapping[str, Any]) -> None:
        self.package = package
        self.options = options
        self.decode: Callable[[Any], tuple[Any, ...]] | None = None

    def __call__(self, message: list[Any]) -> tuple[str, Any]:
        if message[0] == "load":
            return "ok", {"modules": self.load(), "effects": []}
        if message[0] == "calls":
            return "ok", [self.call(part[1]) for part in message[1]]
        return "ok", self.call(message[2])

    def load(self) -> dict[str, Any]:
        name = self.options["entry"].partition(":")[0]
        try:
            self.decode = decoder(self.package, self.options)
        except BaseException as error:
            return {name: failure(error)}
        return {name: None}

    def call(self, arguments: list[Any]) -> dict[str, Any]:
        if self.decode is None:
            return {"unresolved": True, "error": ["Exception"], "message": "not loaded", "at": []}
        payload, *rest = arguments[0]["uplink"]
        return _reply(*self.decode((bytes.fromhex(payload), *rest)))


def prober(package: Package, options: Mapping[str, Any]) -> CodecProber:
    """The runner the confined child is started with; options are those of the sandbox's codec decoder."""
    return CodecProber(package, options)

"""Runners for JavaScript codecs with the LoRaWAN payload codec API, in QuickJS inside the confined child.

Source of the API: LoRa Alliance TS013-1.0.0, Payload Codec API: `decodeUplink({bytes, fPort, recvTime})` with
bytes an array of numbers and recvTime a Date, returning `{data}`, or `{errors: [text]}`, and possibly
`warnings`. The codec finds the language and nothing else: no module system, no timers, no input or output;
`console` swallows, `module` and `exports` are there because codecs assign to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import quickjs  # type: ignore[import-untyped]

from treaty_sandbox.inside.child import describe
from treaty_sandbox.inside.package import Package

__all__ = ["codec", "decoder", "emitted_name"]

Message: TypeAlias = tuple[bytes, int | None, str, str, int]
Reply: TypeAlias = tuple[Any, ...]

_BEFORE = """
var module = {exports: {}}, exports = module.exports;
var console = {log() {}, info() {}, warn() {}, error() {}, debug() {}};
"""
_CALLER = """
((bytes, fPort, received) => {
  const input = {bytes: JSON.parse(bytes), fPort: fPort, recvTime: new Date(received)};
  const output = %s(input);
  return output === undefined ? "null" : JSON.stringify(output);
})
"""
_OF_THE_CODE = (
    "TypeError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "InternalError",
    "URIError",
    "EvalError",
)
"""Errors the language throws: a mistake of the codec's, and no word on the payload."""
_DEEPEST = 16
_MOST_VALUES = 4096
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class CodecError(ValueError):
    """The codec said that the payload is none of its device's."""


class OutputError(Exception):
    """The codec returned something that is no {data} of plain values."""


class Codec:
    """One codec, loaded; what it keeps between calls is its own."""

    def __init__(self, source: str, function: str) -> None:
        """Raises quickjs.JSException where the source does not run, AttributeError without that function."""
        self._context = quickjs.Context()
        self._context.eval(_BEFORE)
        self._context.eval(source)
        if self._context.eval(f"typeof {function}") != "function":
            raise AttributeError(f"the codec has no function {function}")
        self._call = self._context.eval(_CALLER % function)

    def __call__(self, payload: bytes, f_port: int | None, received_at: int) -> Any:
        """What it returned, by way of JSON: NaN, infinities and undefined are null or absent."""
        return json.loads(self._call(json.dumps(list(payload)), f_port, float(received_at)))


def load(package: Package, entry: str) -> Codec:
    """`entry` is "module:function"; the module is the package's .js file of that name."""
    module, _, function = entry.partition(":")
    content = package.read(module.replace(".", "/") + ".js")
    if content is None:
        raise ModuleNotFoundError(f"no {module}.js in the package")
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", function):
        raise ValueError(f"entry: expected module:function, got {entry[:100]!r}")
    return Codec(content.decode("utf-8-sig"), function)


def codec(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """Answers with what the codec returned, unmapped: for judges and importers. Messages as decoder's."""
    run = load(package, options["entry"])

    def handle(message: Message) -> Reply:
        payload, f_port, _, _, received_at = message
        try:
            return ("ok", run(payload, f_port, received_at))
        except Exception as error:
            return failure(error)

    return handle


def decoder(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """As treaty_sandbox.inside.decoding.decoder, of a codec: `data` becomes one reading.

    Every plain value in `data`, however deep, has the name of its path (emitted_name): a number whose name
    is among options["measurements"] is a measurement, anything else a property. With
    options["position"], `latitude`, `longitude` and `altitude` are the position.
    """
    run = load(package, options["entry"])
    measured = frozenset(options.get("measurements", ()))
    placed = bool(options.get("position"))

    def handle(message: Message) -> Reply:
        payload, f_port, _, _, received_at = message
        try:
            return ("ok", [reading(run(payload, f_port, received_at), measured, placed)])
        except Exception as error:
            return failure(error)

    return handle


def reading(output: Any, measured: frozenset[str], placed: bool) -> Reply:
    """One reading of a codec's output. Raises CodecError where it lists errors, OutputError."""
    if not isinstance(output, dict):
        raise OutputError(f"expected an object, got {type(output).__name__}")
    errors = output.get("errors")
    if errors:
        texts = errors if isinstance(errors, list) else [errors]
        raise CodecError("; ".join(str(text) for text in texts)[:500])
    data = output.get("data")
    if not isinstance(data, dict):
        raise OutputError("expected data, an object, or errors")
    values: dict[str, Any] = {}
    for path, value in leaves(data, ()):
        name = emitted_name(path)
        if name in values:
            raise OutputError(f"two values are both named {name!r}")
        values[name] = value
        if len(values) > _MOST_VALUES:
            raise OutputError(f"more than {_MOST_VALUES} values")
    position = _position(values) if placed else None
    measurements = {
        name: value
        for name, value in values.items()
        if name in measured and isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    properties = {name: value for name, value in values.items() if name not in measurements}
    return (measurements, properties, position, None)


def leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every plain value and where it stands; nulls are nothing."""
    if len(path) > _DEEPEST:
        raise OutputError(f"nested deeper than {_DEEPEST}")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, str(number)))
    elif value is not None:
        yield path, value


def emitted_name(path: tuple[str, ...]) -> str:
    """A path's words in lower case, joined by _: ("TempC_SHT",) is temp_c_sht, ("gps", "hdOp") gps_hd_op."""
    words = [word.lower() for part in path for word in _WORD.findall(part)]
    name = "_".join(words)
    return name if name[:1].isalpha() else f"v_{name}".rstrip("_")


def _position(values: dict[str, Any]) -> tuple[float, float, float | None, None] | None:
    place = [values.get(name) for name in ("latitude", "longitude", "altitude")]
    if not all(type(value) in {int, float} for value in place[:2]):
        return None
    for name in ("latitude", "longitude", "altitude"):
        values.pop(name, None)
    altitude = place[2] if type(place[2]) in {int, float} else None
    return (place[0], place[1], altitude, None)  # type: ignore[return-value]


def failure(error: Exception) -> Reply:
    """An error reply. The codec's word on the payload is a decode error, a mistake in its code is not."""
    if isinstance(error, CodecError):
        return ("error", "decode_error", str(error))
    if isinstance(error, quickjs.JSException):
        text = str(error).split("\n    at ", 1)[0].strip()[:500]
        mistake = text.startswith(_OF_THE_CODE) or isinstance(error, quickjs.StackOverflow)
        return ("error", "undeclared_error" if mistake else "decode_error", text)
    if isinstance(error, OutputError):
        return ("error", "malformed_output", str(error)[:500])
    return ("error", "malformed_output", describe(error))

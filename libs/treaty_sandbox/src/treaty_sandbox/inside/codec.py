"""One JavaScript codec with the LoRaWAN payload codec API, loaded into QuickJS.

Source of the API: LoRa Alliance TS013-1.0.0, Payload Codec API: `decodeUplink({bytes, fPort, recvTime})` with
bytes an array of numbers and recvTime a Date, returning `{data}`, or `{errors: [text]}`, and possibly
`warnings`. The codec finds the language (with QuickJS's atob and btoa) and nothing else: no timers, no input
or output, no clock finer than Date, UTC for a time zone. What codecs made for Node expect and does no harm:

- `console`, whose methods swallow what they are given;
- `module` and `exports`, to assign to: a function that is no global is looked for there;
- the keyword `export` before a declaration, read as if it were not there.

All of these are configurable globals as Node's are, so a codec may declare the same names itself.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any

import msgspec
import quickjs  # type: ignore[import-untyped]

__all__ = ["Codec", "LengthError", "is_excess", "is_mistake", "message_of"]

_SETTING = """
((define) => {
  const quiet = () => {}, module = {exports: {}};
  const console = {};
  for (const name of ["log", "info", "warn", "error", "debug", "trace", "dir", "table", "assert"])
    console[name] = quiet;
  for (const [name, value] of Object.entries({console, module, exports: module.exports}))
    define(globalThis, name, {value, writable: true, configurable: true, enumerable: false});
  delete globalThis.performance;
})(Object.defineProperty)
"""
_CALLER = """
((parse, stringify, Time, written = (output) => {
  const text = output === undefined ? "null" : stringify(output);
  return text === undefined ? "null" : text.length > 1048576 ? text.length : text;
}) => (routine, whole) => whole ? (text, received) => {
  const input = parse(text);
  if (input && typeof input === "object" && "bytes" in input)
    input.recvTime = new Time(typeof input.recvTime === "string" ? input.recvTime : received);
  return written(routine(input));
} : (bytes, fPort, received) => {
  return written(routine({bytes: parse(bytes), fPort, recvTime: new Time(received)}));
})(JSON.parse, JSON.stringify, Date)
"""
_STEADY = """
((Real, construct, define) => {
  let now = 0, state = 0;
  function Steady(...given) {
    if (new.target === undefined) return new Real(now).toString();
    return construct(Real, given.length ? given : [now], new.target);
  }
  Steady.prototype = Real.prototype;
  define(Real.prototype, "constructor", {value: Steady, writable: true, configurable: true});
  for (const [name, value] of [["now", () => now], ["parse", Real.parse], ["UTC", Real.UTC]])
    define(Steady, name, {value, writable: true, configurable: true});
  define(Steady, "name", {value: "Date", configurable: true});
  define(Steady, "length", {value: 7, configurable: true});
  define(globalThis, "Date", {value: Steady, writable: true, configurable: true});
  define(Math, "random", {value: () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }, writable: true, configurable: true});
  return (received) => { now = received; state = received | 0; };
})(Date, Reflect.construct, Object.defineProperty)
"""
"""Time that stands at the message's reception and dice that fall alike (mulberry32, public domain)."""

_EXPORT = re.compile(
    r"^([ \t]*)export[ \t]+(default[ \t]+)?(?=(?:async\b|function\b|const\b|let\b|var\b|class\b))", re.M
)
_EXPORT_LIST = re.compile(r"^[ \t]*export[ \t]*(?:\{[^}]*\}|default[ \t]+[\w$]+)[ \t]*;?", re.M)
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
_HEAP_BYTES = 48 * 1024 * 1024
"""A codec's values. It is the child that is confined; this makes an excess an error, which costs less."""
_decode = msgspec.json.Decoder().decode


class LengthError(Exception):
    """The output is longer than 1 MiB of JSON."""


class Codec:
    """One codec, loaded; what it keeps between calls is its own."""

    def __init__(
        self, source: str, function: str, *, steady: bool = False, seconds: float | None = None
    ) -> None:
        """Raises quickjs.JSException where the source does not run, AttributeError without that function.

        `steady`: Date stands at the message's time of reception and Math.random repeats, so that the same
        message always has the same answer. `seconds` of processor time and a call is interrupted, which
        is_excess tells; loading has one second then.
        """
        os.environ["TZ"] = "UTC"
        time.tzset()
        context = quickjs.Context()
        context.set_memory_limit(_HEAP_BYTES)
        context.eval(_SETTING)
        self._settle = context.eval(_STEADY) if steady else None
        caller = context.eval(_CALLER)
        if self._settle is not None:
            self._settle(0)
        if seconds is not None:
            context.set_time_limit(1.0)
        _evaluate(context, source)
        routine = None
        for place in (function, f"module.exports.{function}"):
            if (
                routine is None
                and context.eval(f"(() => {{try {{return typeof {place}}} catch {{}}}})()") == "function"
            ):
                routine = context.eval(place)
        if routine is None:
            raise AttributeError(f"the codec has no function {function}")
        if seconds is not None:
            context.set_time_limit(seconds)
        self._context = context
        self._decode, self._call = caller(routine, False), caller(routine, True)

    def __call__(self, payload: bytes, f_port: int | None, received_at: int) -> Any:
        """What it returned, by way of JSON: NaN, infinities and undefined are null or absent."""
        if self._settle is not None:
            self._settle(float(received_at))
        return _decode(_text(self._decode(str(list(payload)), f_port, float(received_at))))

    def answer(self, text: str, received_at: int) -> str:
        """Its answer to an input in JSON, as JSON.stringify writes it."""
        if self._settle is not None:
            self._settle(float(received_at))
        return _text(self._call(text, float(received_at)))


def _text(written: str | float) -> str:
    if not isinstance(written, str):
        raise LengthError(f"an output of {int(written)} characters in JSON")
    return written


def _evaluate(context: Any, source: str) -> None:
    try:
        context.eval(source)
    except quickjs.JSException as error:
        if "export" not in source or not message_of(error).startswith("SyntaxError"):
            raise
        context.eval(_EXPORT.sub(r"\1", _EXPORT_LIST.sub("", source)))


def message_of(error: Exception) -> str:
    """What was thrown, without its stack."""
    return re.split(r"\n(?:    at |undefined)", str(error), maxsplit=1)[0].strip()[:500]


def is_mistake(error: Exception) -> bool:
    """Whether the language threw it, not the codec's own hand."""
    return isinstance(error, quickjs.StackOverflow) or message_of(error).startswith(_OF_THE_CODE)


def is_excess(error: Exception) -> bool:
    """Whether the codec took more time or memory than it is given; QuickJS throws null where none is left."""
    return isinstance(error, LengthError) or message_of(error) in {
        "InternalError: interrupted",
        "InternalError: out of memory",
        "null",
    }

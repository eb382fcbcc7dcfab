"""Runners for JavaScript codecs (treaty_sandbox.inside.codec) inside the confined child.

`decoder` is the data path's, `codec` answers with the codec's own output, `examiner` is for importers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import quickjs  # type: ignore[import-untyped]

from treaty_sandbox.inside.child import describe
from treaty_sandbox.inside.codec import Codec, LengthError, is_excess, is_mistake, message_of
from treaty_sandbox.inside.emitting import CodecError, OutputError, emitted_name, kind_of, leaves, reading
from treaty_sandbox.inside.package import Package

__all__ = ["codec", "decoder", "examiner"]

Message: TypeAlias = tuple[bytes, int | None, str, str, int]
Reply: TypeAlias = tuple[Any, ...]

_MOST_NAMES = 8192
_ANSWERING_S = 1.0
_EXPLORING_S = 0.25
_MOST_EXCESSES = 6


def source(package: Package, entry: str) -> tuple[str, str]:
    """The text and the function of `entry`, "module:function": the module is the .js file of that name."""
    module, _, function = entry.partition(":")
    content = package.read(module.replace(".", "/") + ".js")
    if content is None:
        raise ModuleNotFoundError(f"no {module}.js in the package")
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", function):
        raise ValueError(f"entry: expected module:function, got {entry[:100]!r}")
    return content.decode("utf-8-sig"), function


def codec(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """Answers with what the codec returned, unmapped: for judges. Messages as decoder's."""
    run = Codec(*source(package, options["entry"]))

    def handle(message: Message) -> Reply:
        payload, f_port, _, _, received_at = message
        try:
            return ("ok", run(payload, f_port, received_at))
        except Exception as error:
            return failure(error)

    return handle


def decoder(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """As treaty_sandbox.inside.decoding.decoder, of a codec: `data` becomes one reading.

    Every plain value in `data`, however deep, has the name of its path; options["measurements"] and
    options["position"] say what it is (treaty_sandbox.inside.emitting.reading). options["errors"] names
    what the language may throw (`TypeError`) where the contract declares it.
    """
    run = Codec(*source(package, options["entry"]))
    measured = frozenset(options.get("measurements", ()))
    placed = bool(options.get("position"))
    declared = tuple(f"{name}:" for name in options.get("errors", ()))

    def handle(message: Message) -> Reply:
        payload, f_port, _, _, received_at = message
        try:
            return ("ok", [reading(run(payload, f_port, received_at), measured, placed)])
        except Exception as error:
            return failure(error, declared)

    return handle


def examiner(package: Package, options: Mapping[str, Any]) -> Callable[[list[Any]], Reply]:
    """For importers: time stands still, dice fall alike, and what takes too long is interrupted.

    ["answer", function, input in JSON, received_at_ms] -> [the output in JSON, nil, false], or [nil, why
    there is none, whether it took too much], of a codec just loaded;
    ["explore", [[payload, f_port], ...], received_at_ms] -> {"values": {name: kinds}, "errors": {name:
    times}, "excesses": number}: what the codec emits, a name's kinds as the letters of kind_of, what the
    language throws, and how often it took too much; after a few times the rest is not asked.
    """
    text, function = source(package, options["entry"])
    explored = Codec(text, function, steady=True, seconds=_EXPLORING_S)

    def handle(message: list[Any]) -> Reply:
        kind, *rest = message
        if kind == "explore":
            return ("ok", explore(explored, *rest))
        wanted, given, received_at = rest
        try:
            run = Codec(text, wanted, steady=True, seconds=_ANSWERING_S)
            return ("ok", [run.answer(given, received_at), None, False])
        except Exception as error:
            return ("ok", [None, failure(error)[2], is_excess(error)])

    return handle


def explore(run: Codec, inputs: list[tuple[bytes, int | None]], received_at: int) -> dict[str, Any]:
    """Which values the codec has, of what kinds, and what the language throws, over all inputs."""
    values: dict[str, set[str]] = {}
    errors: dict[str, int] = {}
    excesses = 0
    for payload, f_port in inputs:
        try:
            output = run(payload, f_port, received_at)
            if (
                not isinstance(output, dict)
                or output.get("errors")
                or not isinstance(output.get("data"), dict)
            ):
                continue
            for path, value in leaves(output["data"], ()):
                if len(values) < _MOST_NAMES:
                    values.setdefault(emitted_name(path), set()).add(kind_of(value))
        except OutputError:
            continue
        except Exception as error:
            if is_mistake(error):
                name = message_of(error).partition(":")[0][:40]
                errors[name] = errors.get(name, 0) + 1
            excesses += is_excess(error)
            if excesses == _MOST_EXCESSES:
                break
    return {
        "values": {name: "".join(sorted(kinds)) for name, kinds in values.items()},
        "errors": errors,
        "excesses": excesses,
    }


def failure(error: Exception, declared: tuple[str, ...] = ()) -> Reply:
    """An error reply. The codec's word on the payload is a decode error, a mistake in its code is not."""
    if isinstance(error, CodecError):
        return ("error", "decode_error", str(error))
    if isinstance(error, quickjs.JSException):
        text = message_of(error)
        mistake = is_mistake(error) and not (declared and text.startswith(declared))
        return ("error", "undeclared_error" if mistake else "decode_error", text)
    if isinstance(error, LengthError):
        return ("error", "output_too_large", str(error))
    if isinstance(error, OutputError):
        return ("error", "malformed_output", str(error)[:500])
    return ("error", "malformed_output", describe(error))

"""The runner for JavaScript codecs' `encodeDownlink`, with messages and replies as inside.encoding has them.

Source of the API: LoRa Alliance TS013-1.0.0, Payload Codec API: `encodeDownlink({data})` returns
`{bytes, fPort}`, bytes an array of numbers, or `{errors: [text]}`, and possibly `warnings`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import quickjs  # type: ignore[import-untyped]

from treaty_sandbox.inside.child import describe
from treaty_sandbox.inside.codec import Codec, is_mistake, message_of
from treaty_sandbox.inside.javascript import source
from treaty_sandbox.inside.package import Package

__all__ = ["encoder"]

Message: TypeAlias = tuple[str, str, dict[str, Any]]
Reply: TypeAlias = tuple[Any, ...]


def encoder(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """Loads options["entry"] ("module:function"); options["errors"] are what the language may throw."""
    run = Codec(*source(package, options["entry"]))
    declared = tuple(f"{name}:" for name in options.get("errors", ()))

    def handle(message: Message) -> Reply:
        _, _, arguments = message
        try:
            text = run.answer(json.dumps({"data": arguments}), time.time_ns() // 1_000_000)
            return _reply(json.loads(text))
        except quickjs.JSException as error:
            said = message_of(error)
            mistake = is_mistake(error) and not (declared and said.startswith(declared))
            return ("error", "undeclared_error" if mistake else "encode_error", said)
        except Exception as error:
            return ("error", "malformed_output", describe(error))

    return handle


def _reply(output: object) -> Reply:
    if not isinstance(output, dict):
        return ("error", "malformed_output", f"expected an object, got {type(output).__name__}")
    errors = output.get("errors")
    if errors:
        told = errors if isinstance(errors, list) else [errors]
        return ("error", "encode_error", "; ".join(str(text) for text in told)[:500])
    octets, f_port = output.get("bytes"), output.get("fPort")
    if not isinstance(octets, list) or not all(type(b) is int and 0 <= b <= 255 for b in octets):
        return ("error", "malformed_output", "bytes: expected an array of numbers from 0 to 255")
    if f_port is not None and type(f_port) is not int:
        return ("error", "malformed_output", "fPort: expected a whole number")
    return ("ok", (bytes(octets), f_port, False))

"""The runner for Python encoders: `encode(action: treaty.Action) -> treaty.Downlink`.

A message is [action, model, arguments]; its reply ["ok", [payload, f_port | nil, confirmed]] or
["error", kind, detail] with kind encode_error (ValueError, treaty.EncodeError, or an exception whose class
name is among options["errors"]), undeclared_error or malformed_output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from treaty import Action, Downlink
from treaty_sandbox.inside.child import describe
from treaty_sandbox.inside.package import Package

__all__ = ["encoder"]

Message: TypeAlias = tuple[str, str, dict[str, Any]]
Reply: TypeAlias = tuple[Any, ...]


def encoder(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """Loads options["entry"] ("module:function"); options["errors"] are further declared exception names."""
    encode = package.entry(options["entry"])
    declared = frozenset(options.get("errors", ()))

    def handle(message: Message) -> Reply:
        name, model, arguments = message
        try:
            return ("ok", _plain(encode(Action(name, model, arguments))))
        except _MalformedError as error:
            return ("error", "malformed_output", describe(error))
        except ValueError as error:
            return ("error", "encode_error", describe(error))
        except BaseException as error:
            known = any(kind.__name__ in declared for kind in type(error).__mro__)
            return ("error", "encode_error" if known else "undeclared_error", describe(error))

    return handle


class _MalformedError(Exception):
    """The encoder returned something that is no downlink."""


def _plain(downlink: object) -> tuple[bytes, int | None, bool]:
    if not isinstance(downlink, Downlink):
        raise _MalformedError(f"expected treaty.Downlink, got {type(downlink).__name__}")
    payload, f_port, confirmed = downlink.payload, downlink.f_port, downlink.confirmed
    if type(payload) is not bytes:
        raise _MalformedError(f"payload: expected bytes, got {type(payload).__name__}")
    if f_port is not None and type(f_port) is not int:
        raise _MalformedError(f"f_port: expected int or None, got {type(f_port).__name__}")
    if type(confirmed) is not bool:
        raise _MalformedError(f"confirmed: expected bool, got {type(confirmed).__name__}")
    return payload, f_port, confirmed

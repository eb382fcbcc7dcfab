"""Encoders as targets: what to send, and the shape their replies must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from treaty_sandbox.target import Target

__all__ = ["DownlinkValues", "EncodeMessage", "downlink_target", "encoding_target"]

EncodeMessage: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""The action's name, the device's model, the arguments."""


class DownlinkValues(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A downlink as the child says it: length and port unchecked."""

    payload: bytes
    f_port: int | None
    confirmed: bool


def encoding_target(
    package: Path | Mapping[str, bytes],
    entry: str,
    errors: Sequence[str] = (),
    *,
    readable: Sequence[Path] = (),
    import_path: Sequence[Path] = (),
) -> Target:
    """The target for a Python encoder at `entry` ("module:function"); its values are DownlinkValues."""
    return Target(
        runner="treaty_sandbox.inside.encoding:encoder",
        package=package,
        options={"entry": entry, "errors": list(errors)},
        readable=tuple(readable),
        import_path=tuple(import_path),
    )


def downlink_target(package: Path | Mapping[str, bytes], entry: str, errors: Sequence[str] = ()) -> Target:
    """The target for a JavaScript codec's `encodeDownlink` at `entry`; its values are DownlinkValues.

    The codec is called with `{data: arguments}`. `errors` are what the language may throw (`TypeError`).
    """
    return Target(
        runner="treaty_sandbox.inside.downlinks:encoder",
        package=package,
        options={"entry": entry, "errors": list(errors)},
    )

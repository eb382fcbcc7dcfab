"""Decoders and codecs as targets: what to send, and the shape their replies must have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from treaty_sandbox.target import Target

__all__ = ["DecodeMessage", "PositionValues", "ReadingValues", "codec_target", "decoding_target"]

DecodeMessage: TypeAlias = tuple[bytes, int | None, str, str, int]
"""payload, f_port, model, content_type, received_at in ms."""


class PositionValues(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    latitude: float
    longitude: float
    altitude: float | None
    accuracy: float | None


class ReadingValues(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """One reading as the child says it: in the contract's units, possibly not finite, names unchecked."""

    measurements: dict[str, float]
    properties: dict[str, bool | int | float | str]
    position: PositionValues | None
    observed_at: int | None


def decoding_target(
    package: Path | Mapping[str, bytes],
    entry: str,
    errors: Sequence[str] = (),
    *,
    readable: Sequence[Path] = (),
    import_path: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Target:
    """The target for a Python decoder at `entry` ("module:function"); its values are list[ReadingValues]."""
    return Target(
        runner="treaty_sandbox.inside.decoding:decoder",
        package=package,
        options={"entry": entry, "errors": list(errors)},
        readable=tuple(readable),
        import_path=tuple(import_path),
        environment=environment or {},
    )


def codec_target(
    package: Path | Mapping[str, bytes],
    entry: str,
    measurements: Collection[str] = (),
    errors: Sequence[str] = (),
    *,
    position: bool = False,
) -> Target:
    """The target for a JavaScript codec at `entry` ("module:function"); its values are list[ReadingValues].

    `measurements` are the names (of treaty_sandbox.inside.emitting.emitted_name) that are measurements,
    `errors` what the language may throw ("TypeError") as a word on the payload.
    """
    return Target(
        runner="treaty_sandbox.inside.javascript:decoder",
        package=package,
        options={
            "entry": entry,
            "measurements": sorted(measurements),
            "position": position,
            "errors": list(errors),
        },
    )

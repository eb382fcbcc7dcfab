"""Types of the fields the networks' messages share, and reading them with coded errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from treaty_events.instants import EPOCH
from treaty_events.networks.unwrapped import UnwrapCode, UnwrapError

__all__ = [
    "Counter",
    "Eui",
    "FPort",
    "Hertz",
    "Time",
    "Token",
    "eui_or_none",
    "moment_ms",
    "read",
    "read_object",
]

T = TypeVar("T")

Eui: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{16}\Z")]
"""An EUI-64 as 16 hexadecimal digits (LoRaWAN 1.0.4, section 6.1.1: DevEUI)."""
FPort: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=255)]
Counter: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
Hertz: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=100_000_000_000)]
Token: TypeAlias = Annotated[str, msgspec.Meta(max_length=128)]
Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset; beyond microseconds is cut off."""

MAX_DEPTH: Final = 64
_EUI = re.compile(r"[0-9a-fA-F]{16}")
_object = msgspec.json.Decoder(dict[str, Any])


def read(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises UnwrapError and nothing else, whatever the bytes."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        text = str(error)
        missing = "missing required field" in text
        raise UnwrapError(UnwrapCode.MISSING_FIELD if missing else UnwrapCode.BAD_FIELD, text) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnwrapError(UnwrapCode.NOT_JSON, str(error)[:200]) from None
    except RecursionError:
        raise UnwrapError(UnwrapCode.NOT_JSON, "nested too deeply") from None


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, whole, not so deep that encoding it again could fail."""
    found = read(_object, body)
    if _deeper(found, MAX_DEPTH):
        raise UnwrapError(UnwrapCode.BAD_FIELD, f"nested deeper than {MAX_DEPTH}")
    return found


def _deeper(node: object, than: int) -> bool:
    if isinstance(node, dict):
        inner: Iterable[object] = node.values()
    elif isinstance(node, list):
        inner = node
    else:
        return False
    return than == 0 or any(_deeper(one, than - 1) for one in inner)


def moment_ms(time: datetime | None) -> int | None:
    """Milliseconds since 1970-01-01 UTC; None for a time before it, such as Go's zero time."""
    if time is None or time < EPOCH:
        return None
    return (time - EPOCH) // timedelta(milliseconds=1)


def eui_or_none(found: object) -> str | None:
    """Lower-case hex, or None where it is no EUI: events are kept even when theirs is wrong."""
    return found.lower() if isinstance(found, str) and _EUI.fullmatch(found) else None

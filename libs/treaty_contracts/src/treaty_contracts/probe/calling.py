"""In the child: arguments made of what the parent wrote, and results brought to rest."""

from __future__ import annotations

import dataclasses
import itertools
import types
from datetime import datetime, timezone
from typing import Any

import treaty

__all__ = ["Awaited", "Yielded", "argument", "settled"]

MAX_ITEMS = 256


def argument(value: Any) -> Any:
    """An argument as the parent wrote it: tagged where JSON has no such value."""
    if isinstance(value, dict):
        [(tag, body)] = value.items()
        if tag == "bytes":
            return bytes.fromhex(body)
        if tag == "bytearray":
            return bytearray.fromhex(body)
        if tag == "dict":
            return {key: argument(part) for key, part in body.items()}
        if tag == "tuple":
            return tuple(argument(part) for part in body)
        if tag == "time":
            return datetime.fromtimestamp(body / 1000, timezone.utc)  # noqa: UP017
        if tag == "uplink":
            return treaty.Uplink(
                payload=bytes.fromhex(body[0]),
                f_port=body[1],
                model=body[2],
                content_type=body[3],
                received_at=datetime.fromtimestamp(body[4] / 1000, timezone.utc),  # noqa: UP017
            )
        if tag == "action":
            return treaty.Action(name=body[0], model=body[1], arguments=body[2])
    if isinstance(value, list):
        return [argument(part) for part in value]
    return value


def settled(result: Any) -> Any:
    """What a coroutine comes to when nothing makes it wait, and the first items of a generator."""
    if type(result) is types.CoroutineType:
        try:
            result.send(None)
        except StopIteration as stop:
            return Awaited(stop.value)
        result.close()
        return result
    if type(result) is types.GeneratorType:
        return Yielded(list(itertools.islice(result, MAX_ITEMS)))
    return result


@dataclasses.dataclass(slots=True)
class Awaited:
    """What an asynchronous function returned."""

    value: Any


@dataclasses.dataclass(slots=True)
class Yielded:
    """What a generator yielded."""

    items: list[Any]

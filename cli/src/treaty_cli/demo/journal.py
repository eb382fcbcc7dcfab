"""What the demo's subscriber received, a line each, as it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["Delivery", "Journal", "delivered", "marks"]

READING: Final = "reading"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`reading` is the message's element, its `id` the reading's ce_id."""

    received_ms: int
    reading: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.reading.get("id"))


class Journal:
    """Writes the file; a line is on disk before the next message is taken."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def readings(self, received_ms: int, readings: tuple[dict[str, Any], ...]) -> None:
        for reading in readings:
            self._line({"received_ms": received_ms, READING: reading})
        self._file.flush()

    def mark(self, received_ms: int, what: str) -> None:
        """Something besides readings that happened: `live`, `stopped`."""
        self._line({"received_ms": received_ms, "mark": what})
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _line(self, body: dict[str, Any]) -> None:
        self._file.write(msgspec.json.encode(body) + b"\n")


def delivered(path: Path) -> list[Delivery]:
    """In the order received. A last line that is still being written is left out."""
    return [Delivery(line["received_ms"], line[READING]) for line in _lines(path) if READING in line]


def marks(path: Path) -> list[str]:
    return [line["mark"] for line in _lines(path) if "mark" in line]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line)

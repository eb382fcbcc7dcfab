"""The compiled functions where there is no compiler: everything is left to Python."""

from __future__ import annotations

from typing import Any

__all__ = ["Arrival", "ReadingWriter", "read", "record_bytes"]


def record_bytes(*_: Any) -> None:
    return None


def read(*_: Any) -> None:
    return None


class Arrival:
    """There are none."""


class ReadingWriter:
    def __init__(self, *_: Any) -> None:
        """Nothing is kept."""

    def write(self, *_: Any) -> None:
        return None

"""What a worker does for each record, compiled, where a Rust compiler was there when this was installed.

    from treaty_hotpath import COMPILED, Arrival, ReadingWriter, read, record_bytes

Whatever it does, Python does as well: each function takes over what is laid out as the platform's own
services write it, and returns None for everything else, which is Python's then, errors included; where
nothing is compiled that is everything. So the outcome is the same, and only the processor's time differs.
"""

from __future__ import annotations

from typing import Final

try:
    from treaty_hotpath._native import Arrival, ReadingWriter, read, record_bytes
except ModuleNotFoundError:
    from treaty_hotpath.nothing import (  # type: ignore[assignment]
        Arrival,
        ReadingWriter,
        read,
        record_bytes,
    )

__all__ = ["COMPILED", "Arrival", "ReadingWriter", "read", "record_bytes"]

COMPILED: Final = read.__module__ != "treaty_hotpath.nothing"

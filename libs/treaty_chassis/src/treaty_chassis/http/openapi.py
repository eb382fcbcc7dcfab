"""The committed OpenAPI document of a service: written from the code, and held to it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fastapi import FastAPI

__all__ = ["main", "text"]


def text(app: FastAPI) -> str:
    """The document as it is committed; nothing connects."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main(module: str, file: Path, document: str) -> int:
    """A service's `python -m <package>.openapi [--check]`: the exit code, 1 where the file is another."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the file is stale")
    if not parser.parse_args().check:
        file.write_text(document)
        return 0
    if file.exists() and file.read_text() == document:
        return 0
    sys.stderr.write(f"{file}: stale, run python -m {module}\n")
    return 1

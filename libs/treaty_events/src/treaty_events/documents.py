"""Writes what is published of the events: a JSON Schema each, and the AsyncAPI document.

python -m treaty_events.documents            in the repository's root, after a change of a type or a topic
python -m treaty_events.documents --check    exit 1 and name what is not as the code would write it
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from treaty_events.asyncapi import document
from treaty_events.catalogue import EVENTS, schema_of

__all__ = ["documents", "stale"]

SCHEMAS = Path("libs/treaty_events/src/treaty_events/schemas")


def documents() -> dict[Path, str]:
    """Every document by its path from the repository's root."""
    found = {
        SCHEMAS / f"{name}.json": json.dumps(schema_of(name), indent=2) + "\n" for name in sorted(EVENTS)
    }
    found[Path("docs/asyncapi.yaml")] = document()
    return found


def stale(root: Path) -> list[Path]:
    """Documents that are missing or other than the code would write, and schemas that no event has."""
    wanted = documents()
    other = [path for path, text in wanted.items() if _read(root / path) != text]
    strange = [
        SCHEMAS / file.name for file in (root / SCHEMAS).glob("*") if SCHEMAS / file.name not in wanted
    ]
    return sorted(other + strange)


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m treaty_events.documents", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    root: Path = options.root
    if not (root / SCHEMAS).parent.is_dir():
        parser.error(f"{root} is not Treaty's repository: it has no {SCHEMAS.parent}")
    differing = stale(root)
    if options.check:
        for path in differing:
            sys.stdout.write(
                f"{path}: not as the code would write it; run python -m treaty_events.documents\n"
            )
        return 1 if differing else 0
    for path, text in documents().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    for path in stale(root):
        (root / path).unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

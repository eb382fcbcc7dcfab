"""Writes the OpenAPI document of the service; WebSocket is described in docs/protocols/websocket.md.

python -m treaty_push_gateway.openapi            after a change of a route
python -m treaty_push_gateway.openapi --check    exit 1 where it is not what the code says
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from treaty_push_gateway.app import application
from treaty_push_gateway.transports.traffic import Traffic

__all__ = ["DOCUMENT", "document"]

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def document() -> str:
    """As the code says; nothing connects."""
    app = application({}, lambda: None, Traffic(1), {}, "http://registry")
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m treaty_push_gateway.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        DOCUMENT.write_text(document())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == document():
        return 0
    sys.stderr.write(f"{DOCUMENT}: stale, run python -m treaty_push_gateway.openapi\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())

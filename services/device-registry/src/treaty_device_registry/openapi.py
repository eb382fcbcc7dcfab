"""Writes the OpenAPI document of the service.

python -m treaty_device_registry.openapi            after a change of a route or a document
python -m treaty_device_registry.openapi --check    exit 1 where it is not what the code says
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import cast

from treaty_device_registry.access import Resources
from treaty_device_registry.app import api
from treaty_device_registry.identity.model import DevIssuer
from treaty_device_registry.ratelimit import RateLimit

__all__ = ["DOCUMENT", "document"]

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def document() -> str:
    """As the code says, the development issuer included; nothing connects."""
    limit = RateLimit("redis://127.0.0.1:1", 1)
    app = api(cast(Resources, None), {}, issuer=cast(DevIssuer, object()), issuer_limit=limit)
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m treaty_device_registry.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        DOCUMENT.write_text(document())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == document():
        return 0
    sys.stderr.write(f"{DOCUMENT}: stale, run python -m treaty_device_registry.openapi\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())

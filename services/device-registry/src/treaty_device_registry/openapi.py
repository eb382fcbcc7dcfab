"""Writes the OpenAPI document of the service.

python -m treaty_device_registry.openapi            after a change of a route or a document
python -m treaty_device_registry.openapi --check    exit 1 where it is not what the code says
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from treaty_chassis.http import openapi
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
    return openapi.text(app)


if __name__ == "__main__":
    raise SystemExit(openapi.main("treaty_device_registry.openapi", DOCUMENT, document()))

"""Writes the OpenAPI document of the service; WebSocket is described in docs/protocols/websocket.md.

python -m treaty_push_gateway.openapi            after a change of a route
python -m treaty_push_gateway.openapi --check    exit 1 where it is not what the code says
"""

from __future__ import annotations

from pathlib import Path

from treaty_chassis.http import openapi
from treaty_push_gateway.app import application
from treaty_push_gateway.transports.traffic import Traffic

__all__ = ["DOCUMENT", "document"]

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def document() -> str:
    """As the code says; nothing connects."""
    app = application({}, lambda: None, Traffic(1), {}, "http://registry")
    return openapi.text(app)


if __name__ == "__main__":
    raise SystemExit(openapi.main("treaty_push_gateway.openapi", DOCUMENT, document()))

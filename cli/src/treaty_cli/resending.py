"""The compacted topics, asked of the services that have what they say in tables."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from treaty_cli.api import Api
from treaty_events.topics import CONTRACT_DECIDED, DEVICE_CHANGED, GATEWAY_CHANGED

__all__ = ["TOPICS", "resend"]

TOPICS: Final = (
    ("registry", GATEWAY_CHANGED),
    ("registry", DEVICE_CHANGED),
    ("governance", CONTRACT_DECIDED),
)
"""Each topic with the service that writes it; gateways before the devices behind them."""
_LIMIT = 200


def resend(api: Api, topic: str) -> int:
    """Every current row into the outbox again; how many there were. Raises ApiError."""
    sent, cursor = 0, ""
    while True:
        asked = {"limit": _LIMIT} | ({"cursor": cursor} if cursor else {})
        answer = api.post(f"/v1/resend/{topic}?{urlencode(asked)}", {})
        sent += int(answer["enqueued"])
        cursor = answer["next"]
        if not cursor:
            return sent

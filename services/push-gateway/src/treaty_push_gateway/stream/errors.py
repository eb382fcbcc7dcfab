"""The errors of docs/protocols/websocket.md: stable codes, and which of them end the connection."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["CLOSES", "Code", "CodedError"]


class Code(StrEnum):
    MALFORMED_MESSAGE = "malformed_message"
    TOO_MANY_MESSAGES = "too_many_messages"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a code)
    ALREADY_AUTHENTICATED = "already_authenticated"
    DUPLICATE_SUBSCRIPTION = "duplicate_subscription"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    FORBIDDEN = "forbidden"
    SNAPSHOT_NEEDS_ONE_WORKSPACE = "snapshot_needs_one_workspace"
    SNAPSHOT_UNAVAILABLE = "snapshot_unavailable"
    CURSOR_INVALID = "cursor_invalid"
    CURSOR_FOREIGN = "cursor_foreign"
    CURSOR_EXPIRED = "cursor_expired"
    CURSOR_AHEAD = "cursor_ahead"
    CATCH_UP_BUSY = "catch_up_busy"
    CATCH_UP_FAILED = "catch_up_failed"
    SLOW_READER = "slow_reader"
    GOING_AWAY = "going_away"


CLOSES: Final = {
    Code.MALFORMED_MESSAGE: 4400,
    Code.UNAUTHENTICATED: 4401,
    Code.TOKEN_EXPIRED: 4401,
    Code.SLOW_READER: 4408,
    Code.TOO_MANY_MESSAGES: 4429,
    Code.GOING_AWAY: 1001,
}
"""The close code that follows an error; the others leave the connection open."""


class CodedError(Exception):
    """Told to the client as an `error` message."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

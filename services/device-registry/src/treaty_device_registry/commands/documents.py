"""The JSON documents of commands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from treaty_events.commands import LONGEST_LIFE_MS, CommandState

__all__ = ["ActionDocument", "ActionName", "ActionRequest", "CommandDocument"]

MAX_ARGUMENTS: Final = 16_384
ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class ActionRequest(BaseModel):
    """`arguments` fit the action's schema. After `expires_in_s` nothing is made of the request any more."""

    model_config = ConfigDict(extra="forbid")

    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    expires_in_s: Annotated[int, Field(ge=1, le=LONGEST_LIFE_MS // 1000)] = 300

    @field_validator("arguments")
    @classmethod
    def _bounded(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        text = json.dumps(value)
        if len(text) > MAX_ARGUMENTS:
            raise ValueError(f"{len(text)} bytes of JSON, at most {MAX_ARGUMENTS} are taken")
        if "\\u0000" in text:
            raise ValueError("U+0000 is not taken")
        return value


class ActionDocument(BaseModel):
    """An action a device has: its arguments by JSON Schema (draft 2020-12)."""

    name: str
    description: str | None
    arguments: dict[str, Any]


class CommandDocument(BaseModel):
    """`requested` is left once: for `encoded` (the downlink is there), `failed` (`reason` is a code, `detail`
    its words) or `expired`. `ended_at` is when."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    workspace_id: UUID
    device_id: UUID
    action: str
    arguments: dict[str, Any]
    plugin: str
    plugin_version: str
    state: CommandState
    reason: str | None
    detail: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    ended_at: datetime | None

"""What an encoder is given and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Action", "Downlink"]


@dataclass(frozen=True, slots=True)
class Action:
    """One command for a device: the action's name in the contract and its checked arguments."""

    name: str
    model: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Downlink:
    """The bytes to send to the device and the LoRaWAN port to send them on."""

    payload: bytes
    f_port: int | None = None
    confirmed: bool = False

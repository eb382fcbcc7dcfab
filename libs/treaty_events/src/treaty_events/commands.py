"""What is asked of a device, what became of it, and the downlink a plugin made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

__all__ = [
    "LONGEST_LIFE_MS",
    "CommandProgressed",
    "CommandRequested",
    "CommandState",
    "DownlinkEncoded",
    "Offer",
    "PluginOffered",
]

LONGEST_LIFE_MS: Final = 86_400_000
"""A command expires within a day of its request: as far back its repeats are looked for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One action of a plugin's contract: its arguments by JSON Schema (draft 2020-12)."""

    arguments: dict[str, Any]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class PluginOffered:
    """Value of plugin.offered.v1, key = plugin name: the actions of the contract in the package of `digest`.

    Told by a worker that hosts the very package governance has admitted, once the plugin's command topic
    exists; who reads it compares the digest with the decision's.
    """

    TYPE: ClassVar[str] = "treaty.plugin.offered.v1"

    plugin: str
    plugin_version: str
    digest: str
    actions: dict[str, Offer]


@dataclass(frozen=True, slots=True)
class CommandRequested:
    """Value of command.requested.<plugin>.v1, key = device id. Times are milliseconds since 1970-01-01 UTC.

    `command` is the registry's id of it, and the record's ce_id: the same id again is the same command, and
    makes one downlink. After `expires_at`, a day after `requested_at` at the latest, nothing is made of it.
    """

    TYPE: ClassVar[str] = "treaty.command.requested.v1"

    command: str
    device: str
    workspace: str
    gateway: str
    external_id: str
    network: str
    model: str
    action: str
    arguments: dict[str, Any]
    requested_at: int
    expires_at: int


class CommandState(StrEnum):
    """Where a command is. `requested` is left once, for one of the others."""

    REQUESTED = "requested"
    ENCODED = "encoded"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CommandProgressed:
    """Value of command.progressed.v1, key = device id, ce_id = the command's: what became of it.

    `reason` is a stable code where the state is failed: unknown_action, invalid_arguments, encode_error,
    contract_violation, deadline_exceeded, child_crashed, output_rejected. `at` is in ms.
    """

    TYPE: ClassVar[str] = "treaty.command.progressed.v1"

    command: str
    device: str
    workspace: str
    state: CommandState
    at: int
    plugin: str
    plugin_version: str
    digest: str
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DownlinkEncoded:
    """Value of downlink.encoded.v1, key = device id, ce_id = the command's: the bytes for the network.

    Written once a command, in the transaction that reports it encoded. `payload` travels as base64. It must
    not be sent after `expires_at`, ms since 1970-01-01 UTC.
    """

    TYPE: ClassVar[str] = "treaty.downlink.encoded.v1"

    command: str
    device: str
    workspace: str
    gateway: str
    external_id: str
    network: str
    model: str
    action: str
    payload: bytes
    f_port: int | None
    confirmed: bool
    encoded_at: int
    expires_at: int
    plugin: str
    plugin_version: str
    digest: str

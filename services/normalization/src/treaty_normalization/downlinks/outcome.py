"""From what an encoder made of a command to the records that tell it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from treaty_chassis.kafka.work import Output, Record
from treaty_chassis.tracing.context import TRACEPARENT, read
from treaty_events.codec import encode
from treaty_events.commands import CommandProgressed, CommandRequested, CommandState, DownlinkEncoded
from treaty_events.envelope import Envelope
from treaty_events.topics import COMMAND_PROGRESSED, DOWNLINK_ENCODED
from treaty_normalization.plugins import Plugin
from treaty_normalization.wire import SOURCE
from treaty_sandbox import Failed, Ok
from treaty_sandbox.encoding import DownlinkValues

__all__ = ["REASONS", "Outcome", "carrying", "ended", "outcome"]

MAX_PAYLOAD: Final = 242
"""Bytes: the most that LoRaWAN takes in any region (RP002-1.0.4, maximum payload sizes)."""
MAX_DETAIL: Final = 500
REASONS: Final = {
    "encode_error": "encode_error",
    "undeclared_error": "contract_violation",
    "malformed_output": "contract_violation",
    "output_too_large": "contract_violation",
    "deadline_exceeded": "deadline_exceeded",
    "child_crashed": "child_crashed",
}
"""The sandbox's kinds of failure as reasons of commands that failed."""


class Outcome:
    """The records of a command's end, and why where it failed."""

    __slots__ = ("detail", "outputs", "reason", "state")

    def __init__(self, state: CommandState, outputs: list[Output], reason: str | None, detail: str) -> None:
        self.state = state
        self.outputs = outputs
        self.reason = reason
        self.detail = detail


def outcome(
    plugin: Plugin, command: CommandRequested, reply: Ok[DownlinkValues] | Failed, now_ms: int
) -> Outcome:
    """A downlink and that it is there; or why there is none."""
    if now_ms >= command.expires_at:
        return ended(plugin, command, CommandState.EXPIRED, now_ms)
    if isinstance(reply, Failed):
        reason = REASONS.get(reply.kind, "contract_violation")
        return ended(plugin, command, CommandState.FAILED, now_ms, reason, reply.detail)
    values = reply.value
    if len(values.payload) > MAX_PAYLOAD:
        wrong = f"a payload of {len(values.payload)} bytes; {MAX_PAYLOAD} at most"
        return ended(plugin, command, CommandState.FAILED, now_ms, "contract_violation", wrong)
    if values.f_port is not None and not 1 <= values.f_port <= 223:
        wrong = f"the port {values.f_port} is not one from 1 to 223"
        return ended(plugin, command, CommandState.FAILED, now_ms, "contract_violation", wrong)
    found = ended(plugin, command, CommandState.ENCODED, now_ms)
    body = DownlinkEncoded(
        command=command.command,
        device=command.device,
        workspace=command.workspace,
        gateway=command.gateway,
        external_id=command.external_id,
        network=command.network,
        model=command.model,
        action=command.action,
        payload=values.payload,
        f_port=values.f_port,
        confirmed=values.confirmed,
        encoded_at=now_ms,
        expires_at=command.expires_at,
        plugin=plugin.name,
        plugin_version=plugin.version,
        digest=plugin.digest,
    )
    headers = Envelope(command.command, SOURCE, DownlinkEncoded.TYPE).headers()
    found.outputs.append(Output(DOWNLINK_ENCODED, command.device.encode(), encode(body), headers))
    return found


def ended(
    plugin: Plugin,
    command: CommandRequested,
    state: CommandState,
    now_ms: int,
    reason: str | None = None,
    detail: str = "",
) -> Outcome:
    body = CommandProgressed(
        command=command.command,
        device=command.device,
        workspace=command.workspace,
        state=state,
        at=now_ms,
        plugin=plugin.name,
        plugin_version=plugin.version,
        digest=plugin.digest,
        reason=reason,
        detail=detail[:MAX_DETAIL],
    )
    headers = Envelope(command.command, SOURCE, CommandProgressed.TYPE).headers()
    told = Output(COMMAND_PROGRESSED, command.device.encode(), encode(body), headers)
    return Outcome(state, [told], reason, detail)


def carrying(outputs: Sequence[Output], command: Record) -> Sequence[Output]:
    """The outputs, of the command's trace where it has one."""
    traceparent = read(command.headers)
    if traceparent is None:
        return outputs
    traced = (TRACEPARENT, traceparent.encode())
    return [Output(o.topic, o.key, o.value, [*o.headers, traced], o.partition) for o in outputs]

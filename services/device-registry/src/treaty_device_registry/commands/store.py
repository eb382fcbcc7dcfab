"""Reading what may be asked of a device and what was, and writing what is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jsonschema_rs
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import decode_cursor, paged
from treaty_chassis.http.problems import Problem
from treaty_device_registry.commands.documents import ActionDocument, ActionRequest, CommandDocument
from treaty_device_registry.commands.model import Command, PluginAdmission, PluginOffer
from treaty_device_registry.database import new_id
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.events import SOURCE, Event
from treaty_device_registry.fleet.model import Device, DeviceModel, Gateway
from treaty_events.codec import encode
from treaty_events.commands import CommandRequested, CommandState
from treaty_events.decisions import PluginState
from treaty_events.envelope import Envelope
from treaty_events.fleet import Lifecycle
from treaty_events.topics import command_topic

__all__ = ["actions", "one", "page", "request"]


async def actions(session: AsyncSession, workspace: UUID, device: UUID) -> list[ActionDocument]:
    """What the device's plugin offers now, by name; nothing where no worker has told of it."""
    row = await store.find(session, Device, device, workspace)
    offer = await _offer(session, await store.find(session, DeviceModel, row.model_id))
    found = {} if offer is None else offer.actions
    return [ActionDocument(name=name, **found[name]) for name in sorted(found)]


async def request(
    session: AsyncSession, workspace: UUID, device: UUID, action: str, sent: ActionRequest, by: str
) -> Command:
    """The new command, its event in the outbox. Raises 404, 409 and 422 problems."""
    row = await store.find(session, Device, device, workspace, lock="use")
    if row.lifecycle != Lifecycle.ACTIVE:
        raise Problem(409, "the device is switched off", code="device_disabled")
    model = await store.find(session, DeviceModel, row.model_id)
    gateway = await store.find(session, Gateway, row.gateway_id, workspace)
    offer = await _offer(session, model)
    if offer is None:
        detail = f"the plugin {model.plugin!r} is not at work: nobody would encode the action"
        raise Problem(409, detail, code="plugin_not_at_work", headers={"Retry-After": "10"})
    if action not in offer.actions:
        there = ", ".join(sorted(offer.actions)) or "none"
        raise Problem(404, f"no such action of {model.id}; there is: {there}", code="no_such_action")
    _fit(offer.actions[action]["arguments"], sent.arguments)
    now = datetime.now(UTC)
    command = Command(
        id=new_id(),
        workspace_id=workspace,
        device_id=row.id,
        action=action,
        arguments=sent.arguments,
        plugin=model.plugin,
        plugin_version=offer.plugin_version,
        state=CommandState.REQUESTED,
        reason=None,
        detail="",
        requested_by=by,
        requested_at=now,
        expires_at=now + timedelta(seconds=sent.expires_in_s),
        ended_at=None,
    )
    session.add(command)
    await session.flush()
    await store.publish(session, _requested(command, row, gateway))
    return command


async def one(session: AsyncSession, workspace: UUID, device: UUID, id: UUID) -> Command:
    """Raises a 404 problem."""
    asked = select(Command).filter_by(id=id, workspace_id=workspace, device_id=device)
    found: Command | None = await session.scalar(asked)
    if found is None:
        raise Problem(404, "no such command of the device")
    return found


async def page(
    session: AsyncSession, workspace: UUID, device: UUID, *, cursor: str | None, limit: int
) -> tuple[list[CommandDocument], str | None]:
    """Newest first; of a device that is gone too."""
    question = f"commands {workspace} {device}"
    before = decode_cursor(question, cursor, str)
    asked = select(Command).filter_by(workspace_id=workspace, device_id=device)
    if before is not None:
        asked = asked.where(Command.id < UUID(before))
    rows = await session.scalars(asked.order_by(Command.id.desc()).limit(limit + 1))
    found = [CommandDocument.model_validate(row) for row in rows]
    return paged(question, found, limit, lambda document: str(document.id))


async def _offer(session: AsyncSession, model: DeviceModel) -> PluginOffer | None:
    """Of the very package that governance has admitted. A quarantined plugin's commands wait."""
    asked = (
        select(PluginOffer)
        .join(
            PluginAdmission,
            (PluginAdmission.plugin == PluginOffer.plugin) & (PluginAdmission.digest == PluginOffer.digest),
        )
        .where(PluginOffer.plugin == model.plugin, PluginAdmission.state != PluginState.REFUSED)
    )
    found: PluginOffer | None = await session.scalar(asked)
    return found


def _fit(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(
        schema, pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )
    wrong = [
        {
            "pointer": "/arguments" + "".join(f"/{part}" for part in error.instance_path),
            "detail": error.message,
        }
        for error in validator.iter_errors(arguments)
    ]
    if wrong:
        raise Problem(422, f"arguments: {wrong[0]['detail']}", code="arguments_invalid", errors=wrong[:20])


def _requested(command: Command, device: Device, gateway: Gateway) -> Event:
    body = CommandRequested(
        command=str(command.id),
        device=str(device.id),
        workspace=str(device.workspace_id),
        gateway=str(gateway.id),
        external_id=device.external_id,
        network=gateway.network,
        model=device.model_id,
        action=command.action,
        arguments=command.arguments,
        requested_at=_ms(command.requested_at),
        expires_at=_ms(command.expires_at),
    )
    headers = Envelope(body.command, SOURCE, CommandRequested.TYPE).headers()
    return Event(command_topic(command.plugin).name, body.device.encode(), encode(body), headers)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

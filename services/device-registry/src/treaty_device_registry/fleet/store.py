"""Reading and writing rows of the fleet. A row of another workspace is a row that is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import decode_cursor, paged
from treaty_chassis.http.preconditions import expected_version
from treaty_chassis.http.problems import Problem
from treaty_device_registry.database import OUTBOX
from treaty_device_registry.fleet.events import Event
from treaty_device_registry.fleet.model import Device, DeviceModel, Gateway, Site, Workspace

__all__ = ["add", "apply", "changed", "find", "page", "patch", "publish", "remove", "to_change"]

Row = TypeVar("Row", Workspace, Site, Gateway, DeviceModel, Device)

NAMES = {Workspace: "workspace", Site: "site", Gateway: "gateway", DeviceModel: "model", Device: "device"}
FAULTS = {
    "device_workspace_id_external_id_key": (
        409,
        "external_id_taken",
        "the workspace has a device of this external id",
    ),
    "device_model_pkey": (409, "model_exists", "there is a model of this id"),
    "gateway_slug_pkey": (409, "slug_taken", "the slug is, or once was, another gateway's"),
    "gateway_workspace_id_site_id_fkey": (422, "unknown_site", "site_id: no such site in the workspace"),
    "device_workspace_id_site_id_fkey": (422, "unknown_site", "site_id: no such site in the workspace"),
    "device_workspace_id_gateway_id_fkey": (
        422,
        "unknown_gateway",
        "gateway_id: no such gateway in the workspace",
    ),
}
IN_USE = (409, "in_use", "something still belongs to it")


async def find(
    session: AsyncSession, kind: type[Row], id: UUID | str, workspace: UUID | None = None, *, lock: str = ""
) -> Row:
    """`lock` "change" holds the row against changes and deletion, "use" against changes only by others.
    Raises a 404 problem."""
    question = select(kind).where(kind.id == id)
    if workspace is not None:
        question = question.filter_by(workspace_id=workspace)
    if lock:
        question = question.with_for_update(read=lock == "use").execution_options(populate_existing=True)
    row: Row | None = await session.scalar(question)
    if row is None:
        raise Problem(404, f"no such {NAMES[kind]}")
    return row


async def to_change(
    session: AsyncSession,
    kind: type[Row],
    id: UUID | str,
    if_match: str | None,
    workspace: UUID | None = None,
) -> Row:
    """The row, locked, at the version the client has seen. Raises 404, 412 and 428 problems."""
    expected = expected_version(if_match)
    row = await find(session, kind, id, workspace, lock="change")
    if expected is not None and row.version != expected:
        raise Problem(412, f"the {NAMES[kind]} is at version {row.version} by now", current=row.version)
    return row


async def page(
    session: AsyncSession,
    kind: type[Row],
    where: Sequence[ColumnElement[bool]],
    *,
    question: str,
    cursor: str | None,
    limit: int,
    hold: bool = False,
) -> tuple[list[Row], str | None]:
    """Rows in order of their ids, after the cursor, and the next cursor. `hold` keeps others from changing
    them until the transaction ends."""
    column: Any = kind.id
    after = decode_cursor(question, cursor, str if kind is DeviceModel else UUID)
    found = select(kind).where(*where).order_by(column).limit(limit + 1)
    if after is not None:
        found = found.where(column > after)
    if hold:
        found = found.with_for_update(read=True)
    return paged(question, (await session.scalars(found)).all(), limit, lambda row: row.id)


async def add(session: AsyncSession, row: Any) -> None:
    """Writes a new row. Raises a 409 or 422 problem where it contradicts what is there."""
    session.add(row)
    async with _refusing():
        await session.flush()


def patch(row: Row, sent: BaseModel) -> dict[str, Any]:
    """Applies the members a patch names; returns what that changed, as [before, after]."""
    return apply(row, sent.model_dump(exclude_unset=True))


def apply(row: Row, named: Mapping[str, Any]) -> dict[str, Any]:
    """The same for members by name."""
    changes = {}
    for name, value in named.items():
        before = getattr(row, name)
        if before != value:
            changes[name] = to_jsonable_python([before, value])
            setattr(row, name, value)
    return changes


async def changed(session: AsyncSession, row: Row) -> None:
    """Writes a changed row under its next version. Raises 409 and 422 problems."""
    row.version += 1
    async with _refusing():
        await session.flush()
    await session.refresh(row)


async def remove(session: AsyncSession, row: Row) -> None:
    """Raises a 409 problem where something still belongs to it."""
    await session.delete(row)
    async with _refusing(IN_USE):
        await session.flush()


async def publish(session: AsyncSession, event: Event) -> None:
    """Into the outbox, while the transaction holds the row the event tells of."""
    await OUTBOX.enqueue(session, event.topic, event.key, event.value, event.headers)


@asynccontextmanager
async def _refusing(otherwise: tuple[int, str, str] | None = None) -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        fault = otherwise or FAULTS.get(str(name))
        if fault is None:
            raise
        status, code, detail = fault
        raise Problem(status, detail, code=code) from error

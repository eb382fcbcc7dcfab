"""What every route is given: who asks, a transaction, and the service's own resources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.tokens import Principal, Role
from treaty_chassis.sealing import SealingKey
from treaty_device_registry.ratelimit import RateLimit

__all__ = [
    "CALLER",
    "TRANSACTION",
    "Admin",
    "Caller",
    "Operator",
    "Resources",
    "Services",
    "Transaction",
    "Viewer",
]


@dataclass(frozen=True, slots=True)
class Resources:
    """`create_topic` makes a gateway's raw topic, by its slug, or returns where it is already; it blocks
    and raises KafkaException. `gateway_topics` is how many a workspace may be given."""

    sessions: async_sessionmaker[AsyncSession]
    bearer: Bearer
    limit: RateLimit
    sealing_key: SealingKey
    create_topic: Callable[[str], None]
    gateway_topics: int = 100


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


Services = Annotated[Resources, Depends(_resources)]


async def _caller(
    request: Request,
    resources: Services,
    _: Annotated[object, Security(HTTPBearer(auto_error=False, bearerFormat="JWT"))],
) -> Principal:
    principal = await resources.bearer(request)
    await resources.limit.admit(principal.subject)
    return principal


CALLER: Final = Depends(_caller)
Caller = Annotated[Principal, CALLER]


def _in_workspace(role: Role) -> Callable[[UUID, Principal], Principal]:
    def check(workspace: UUID, caller: Caller) -> Principal:
        caller.require(str(workspace), role)
        return caller

    return check


Viewer = Annotated[Principal, Depends(_in_workspace(Role.VIEWER))]
Operator = Annotated[Principal, Depends(_in_workspace(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(_in_workspace(Role.ADMIN))]


async def _transaction(resources: Services) -> AsyncIterator[AsyncSession]:
    async with resources.sessions.begin() as session:
        yield session


TRANSACTION: Final = Depends(_transaction, scope="function")
Transaction = Annotated[AsyncSession, TRANSACTION]
"""Committed before the answer is sent: what a client is told has happened has happened."""

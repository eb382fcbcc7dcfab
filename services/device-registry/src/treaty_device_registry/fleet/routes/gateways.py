"""Gateways of a workspace, and the credentials by which they prove themselves."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import IfMatch, etag
from treaty_chassis.http.problems import Problem
from treaty_chassis.sealing import SealingKey, seal
from treaty_device_registry import audit
from treaty_device_registry.access import Admin, Services, Transaction, Viewer
from treaty_device_registry.database import new_id
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.credentials import new_secret
from treaty_device_registry.fleet.documents import GatewayDocument, GatewayPatch, NewGateway, Slug
from treaty_device_registry.fleet.events import gateway_changed, gateway_deleted, topic_of
from treaty_device_registry.fleet.model import Gateway, GatewaySlug, Workspace
from treaty_device_registry.idempotency import IdempotencyKey, Made, once
from treaty_events.fleet import Authentication, Lifecycle
from treaty_events.topics import RAW

__all__ = ["router"]

router = APIRouter(prefix="/workspaces/{workspace}/gateways", tags=["gateways"])


def _document(row: Gateway, secret: str | None = None) -> GatewayDocument:
    fields = {name: getattr(row, name) for name in GatewayDocument.model_fields if hasattr(row, name)}
    return GatewayDocument(**fields, topic=topic_of(row) or RAW, secret=secret)


def _new_secret(row: Gateway, key: SealingKey) -> str:
    secret = new_secret()
    row.sealed_secret = seal(key, secret.encode(), str(row.id))
    return secret


async def _admit_topic(session: AsyncSession, workspace: UUID, most: int) -> None:
    """Of a workspace that is held. Raises a 409 problem."""
    given = select(func.count()).select_from(GatewaySlug).filter_by(workspace_id=workspace)
    if (await session.scalar(given) or 0) >= most:
        detail = f"the workspace's gateways have had {most} topics of their own, which is all it may have"
        raise Problem(409, detail, code="too_many_topics")


@router.post("", status_code=201, response_model=GatewayDocument)
async def create_gateway(
    workspace: UUID,
    sent: NewGateway,
    request: Request,
    caller: Admin,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    """The answer to an authentication by signature carries `secret`, this once. Where authentication is by
    topic, the topic exists when this answers; 409 `too_many_topics` where the workspace has had as many as
    it may."""

    async def make() -> Made:
        own_topic = sent.authentication is Authentication.TOPIC
        await store.find(session, Workspace, workspace, lock="change" if own_topic else "use")
        if own_topic:
            await _admit_topic(session, workspace, resources.gateway_topics)
        given = sent.model_dump()
        given["name"] = sent.name or sent.slug
        row = Gateway(id=new_id(), workspace_id=workspace, lifecycle=Lifecycle.ACTIVE, **given)
        signs = sent.authentication is Authentication.SIGNATURE
        secret = _new_secret(row, resources.sealing_key) if signs else None
        slug = GatewaySlug(slug=row.slug, gateway_id=row.id, workspace_id=workspace if own_topic else None)
        await store.add(session, slug)
        await store.add(session, row)
        if own_topic:
            await asyncio.to_thread(resources.create_topic, row.slug)
        await store.publish(session, gateway_changed(row))
        audit.record(session, caller, "gateway.created", row.id, workspace, sent.model_dump(mode="json"))
        headers = {"Location": f"/v1/workspaces/{workspace}/gateways/{row.id}", "ETag": etag(row.version)}
        return Made.of(_document(row, secret), headers)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.get("")
async def list_gateways(
    workspace: UUID,
    caller: Viewer,
    session: Transaction,
    slug: Annotated[Slug | None, Query()] = None,
    site: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[GatewayDocument]:
    where = [Gateway.workspace_id == workspace]
    if slug is not None:
        where.append(Gateway.slug == slug)
    if site is not None:
        where.append(Gateway.site_id == site)
    question = f"gateways {workspace} {slug} {site}"
    rows, following = await store.page(session, Gateway, where, question=question, cursor=cursor, limit=limit)
    return Page(items=[_document(row) for row in rows], next=following)


@router.get("/{gateway}")
async def get_gateway(
    workspace: UUID, gateway: UUID, caller: Viewer, session: Transaction, response: Response
) -> GatewayDocument:
    row = await store.find(session, Gateway, gateway, workspace)
    response.headers["ETag"] = etag(row.version)
    return _document(row)


@router.patch("/{gateway}")
async def change_gateway(
    workspace: UUID,
    gateway: UUID,
    sent: GatewayPatch,
    caller: Admin,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> GatewayDocument:
    row = await store.to_change(session, Gateway, gateway, if_match, workspace)
    changes = store.patch(row, sent)
    await store.changed(session, row)
    await store.publish(session, gateway_changed(row))
    audit.record(session, caller, "gateway.changed", row.id, workspace, changes)
    response.headers["ETag"] = etag(row.version)
    return _document(row)


@router.post("/{gateway}/secret")
async def rotate_secret(
    workspace: UUID,
    gateway: UUID,
    caller: Admin,
    session: Transaction,
    resources: Services,
    response: Response,
) -> GatewayDocument:
    """A new secret, shown this once; the old one stops to hold as soon as ingestion hears of it."""
    row = await store.find(session, Gateway, gateway, workspace, lock="change")
    if row.authentication != Authentication.SIGNATURE:
        raise Problem(409, "this gateway does not sign: it has no secret", code="no_secret")
    secret = _new_secret(row, resources.sealing_key)
    await store.changed(session, row)
    await store.publish(session, gateway_changed(row))
    audit.record(session, caller, "gateway.secret_rotated", row.id, workspace)
    response.headers["ETag"] = etag(row.version)
    return _document(row, secret)


@router.delete("/{gateway}", status_code=204)
async def delete_gateway(
    workspace: UUID, gateway: UUID, caller: Admin, session: Transaction, if_match: IfMatch = None
) -> None:
    """Its topic and what is in it stay; its slug is not given again."""
    row = await store.to_change(session, Gateway, gateway, if_match, workspace)
    await store.remove(session, row)
    await store.publish(session, gateway_deleted(row))
    audit.record(session, caller, "gateway.deleted", gateway, workspace)

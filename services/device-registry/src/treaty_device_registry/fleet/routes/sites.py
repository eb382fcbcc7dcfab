"""Sites of a workspace."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import IfMatch, etag
from treaty_chassis.http.problems import Problem
from treaty_device_registry import audit
from treaty_device_registry.access import Operator, Services, Transaction, Viewer
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.documents import NewSite, SiteDocument, SitePatch
from treaty_device_registry.fleet.model import Site, Workspace
from treaty_device_registry.idempotency import IdempotencyKey, Made, once

__all__ = ["router"]

router = APIRouter(prefix="/workspaces/{workspace}/sites", tags=["sites"])


@router.post("", status_code=201, response_model=SiteDocument)
async def create_site(
    workspace: UUID,
    sent: NewSite,
    request: Request,
    caller: Operator,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    async def make() -> Made:
        await store.find(session, Workspace, workspace, lock="use")
        row = Site(workspace_id=workspace, **sent.model_dump())
        await store.add(session, row)
        audit.record(session, caller, "site.created", row.id, workspace, {"name": row.name})
        headers = {"Location": f"/v1/workspaces/{workspace}/sites/{row.id}", "ETag": etag(row.version)}
        return Made.of(SiteDocument.model_validate(row), headers)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.get("")
async def list_sites(
    workspace: UUID, caller: Viewer, session: Transaction, limit: Limit = 100, cursor: Cursor = None
) -> Page[SiteDocument]:
    where = [Site.workspace_id == workspace]
    rows, following = await store.page(
        session, Site, where, question=f"sites {workspace}", cursor=cursor, limit=limit
    )
    return Page(items=[SiteDocument.model_validate(row) for row in rows], next=following)


@router.get("/{site}")
async def get_site(
    workspace: UUID, site: UUID, caller: Viewer, session: Transaction, response: Response
) -> SiteDocument:
    row = await store.find(session, Site, site, workspace)
    response.headers["ETag"] = etag(row.version)
    return SiteDocument.model_validate(row)


@router.patch("/{site}")
async def change_site(
    workspace: UUID,
    site: UUID,
    sent: SitePatch,
    caller: Operator,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> SiteDocument:
    row = await store.to_change(session, Site, site, if_match, workspace)
    changes = store.patch(row, sent)
    if (row.latitude is None) != (row.longitude is None):
        raise Problem(422, "latitude and longitude go together")
    await store.changed(session, row)
    audit.record(session, caller, "site.changed", row.id, workspace, changes)
    response.headers["ETag"] = etag(row.version)
    return SiteDocument.model_validate(row)


@router.delete("/{site}", status_code=204)
async def delete_site(
    workspace: UUID, site: UUID, caller: Operator, session: Transaction, if_match: IfMatch = None
) -> None:
    await store.remove(session, await store.to_change(session, Site, site, if_match, workspace))
    audit.record(session, caller, "site.deleted", site, workspace)

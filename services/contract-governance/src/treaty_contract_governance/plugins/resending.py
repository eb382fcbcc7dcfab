"""/v1/resend: contract.decided.v1 written again from the tables, for a Kafka that has lost it."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.pagination import Cursor, Limit, decode_cursor, encode_cursor
from treaty_chassis.http.problems import documented
from treaty_chassis.http.tokens import Platform, Principal
from treaty_contract_governance.plugins.store import Decisions
from treaty_events.topics import CONTRACT_DECIDED

__all__ = ["routes"]


class Resent(BaseModel):
    """How many are sent again by this request, and where the next one goes on; None at the end."""

    enqueued: int
    next: str | None


def routes(decisions: Decisions, bearer: Bearer) -> APIRouter:
    router = APIRouter(prefix="/v1/resend", tags=["operating"], responses=documented(401, 403))
    anyone = Depends(bearer)

    @router.post(f"/{CONTRACT_DECIDED}", status_code=202)
    async def resend_decisions(
        principal: Principal = anyone, limit: Limit = 100, cursor: Cursor = None
    ) -> Resent:
        """Tells of plugins' current decisions, in the version they have. Whoever holds that version or a
        newer one already is told nothing new. For platform admins."""
        principal.require_platform(Platform.ADMIN)
        told = await decisions.resend(decode_cursor(CONTRACT_DECIDED, cursor, str), limit)
        following = encode_cursor(CONTRACT_DECIDED, told[-1]) if len(told) == limit else None
        return Resent(enqueued=len(told), next=following)

    return router

"""/v1/plugins: post a verdict, read decisions, quarantine, reinstate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.pagination import Cursor, Limit, decode_cursor, paged
from treaty_chassis.http.problems import Problem, documented
from treaty_chassis.http.tokens import Platform, Principal
from treaty_contract_governance.plugins.attestations import Attestation, Attestations, Attested, Vouched
from treaty_contract_governance.plugins.model import PluginName, Reason, Reinstatement, Verdict, Wrong
from treaty_contract_governance.plugins.reports import Report, Reports
from treaty_contract_governance.plugins.signatures import Signed, Signers
from treaty_contract_governance.plugins.store import Decisions
from treaty_events.decisions import ContractDecided

__all__ = ["routes"]

Name = Annotated[PluginName, Path(description="the plugin's name")]


class PluginPage(BaseModel):
    items: list[ContractDecided]
    next: str | None


class ReportList(BaseModel):
    items: list[Report]


class AttestationList(BaseModel):
    items: list[Attestation]


@dataclass(frozen=True, slots=True)
class Plugin(ContractDecided):
    """The plugin's current decision, and who vouches for the package it is of: `by` is the id of a trusted
    key where a verdict or an attestation was signed, a worker's slot where a worker attests."""

    attested: list[Vouched] = field(default_factory=list)


def routes(
    decisions: Decisions,
    reports: Reports,
    attestations: Attestations,
    bearer: Bearer,
    wake: Callable[[], None],
    signers: Signers,
) -> APIRouter:
    """`wake` is called when a plugin may need its topic."""
    router = APIRouter(prefix="/v1/plugins", tags=["plugins"], responses=documented(401, 403))
    anyone = Depends(bearer)

    async def govern(principal: Principal = anyone) -> Principal:
        principal.require_platform(Platform.ADMIN)
        return principal

    governor = Depends(govern)

    @router.post("/{name}/verdicts", status_code=201, responses={200: {"model": ContractDecided}})
    async def post_verdict(
        name: Name, verdict: Verdict, response: Response, principal: Principal = governor
    ) -> ContractDecided:
        """Decides by a verdict. 201 with the decision it led to; 200 with the current one where the package
        is the plugin's already; 422 `plugin_refused` with the findings where the verdict doesn't admit."""
        signers.admit_unsigned()
        return await decide(name, verdict, response, principal.subject)

    @router.post("/{name}/verdicts/signed", status_code=201, responses={200: {"model": ContractDecided}})
    async def post_signed_verdict(
        name: Name, signed: Signed, response: Response, principal: Principal = governor
    ) -> ContractDecided:
        """The same by a verdict in an envelope that `treaty-contracts sign` wrote; 422 `signer_unknown` or
        `signature_invalid` where it does not hold. Who signed is kept with who posted."""
        verdict, attested = signers.verdict(signed)
        by = f"{principal.subject}, signed by {attested.by}"
        return await decide(name, verdict, response, by, attested)

    async def decide(
        name: str, verdict: Verdict, response: Response, by: str, attested: Attested | None = None
    ) -> ContractDecided:
        if verdict.plugin != name:
            raise Problem(422, f"the verdict is of plugin {verdict.plugin}, the path names {name}")
        decided, fresh = await decisions.judge(verdict, by, attested)
        if not verdict.admitted:
            raise Problem(
                422,
                f"{name} {verdict.version} is not admitted",
                code="plugin_refused",
                findings=[finding.model_dump() for finding in verdict.findings],
            )
        wake()
        response.status_code = 201 if fresh else 200
        return decided

    @router.get("", dependencies=[anyone])
    async def list_plugins(limit: Limit = 100, cursor: Cursor = None) -> PluginPage:
        """Each plugin's current decision, in order of name."""
        after = decode_cursor("/v1/plugins", cursor, str)
        found = await decisions.page(after, limit + 1)
        items, following = paged("/v1/plugins", found, limit, lambda item: item.plugin)
        return PluginPage(items=items, next=following)

    @router.get("/{name}", dependencies=[anyone], responses=documented(404))
    async def get_plugin(name: Name) -> Plugin:
        """The plugin's current decision, and who vouches for its package."""
        decided = _known(name, await decisions.one(name))
        return Plugin(**asdict(decided), attested=await attestations.vouching(name, decided.digest))

    @router.get("/{name}/decisions", dependencies=[anyone], responses=documented(404))
    async def list_decisions(name: Name, limit: Limit = 100, cursor: Cursor = None) -> PluginPage:
        """Every decision there was of the plugin, newest first: who, when, why."""
        question = f"/v1/plugins/{name}/decisions"
        before = decode_cursor(question, cursor, int)
        _known(name, await decisions.one(name))
        found = await decisions.history(name, before, limit + 1)
        items, following = paged(question, found, limit, lambda item: item.version)
        return PluginPage(items=items, next=following)

    @router.get("/{name}/reports", responses=documented(404))
    async def list_reports(name: Name, principal: Principal = anyone) -> ReportList:
        """What workers reported of the plugin, summed by package and kind. For platform viewers: the details
        may speak of any workspace's devices."""
        principal.require_platform(Platform.VIEWER)
        _known(name, await decisions.one(name))
        return ReportList(items=await reports.of(name))

    @router.post("/{name}/quarantine", responses=documented(404, 409))
    async def quarantine(name: Name, body: Reason, principal: Principal = governor) -> ContractDecided:
        """Workers pause the plugin; its backlog waits. Once more changes nothing."""
        return _possible(name, await decisions.quarantine(name, body.reason, principal.subject))

    @router.post("/{name}/reinstate", responses=documented(404, 409))
    async def reinstate(
        name: Name, body: Reinstatement | None = None, principal: Principal = governor
    ) -> ContractDecided:
        """Workers go on with the backlog. Once more changes nothing."""
        reason = (body or Reinstatement()).reason
        return _possible(name, await decisions.reinstate(name, reason, principal.subject))

    _attesting(router, decisions, attestations, signers, anyone, governor)
    return router


def _attesting(
    router: APIRouter,
    decisions: Decisions,
    attestations: Attestations,
    signers: Signers,
    anyone: Any,
    governor: Any,
) -> None:
    @router.post("/{name}/attestations", status_code=204, dependencies=[governor], responses=documented(409))
    async def post_attestation(name: Name, signed: Signed) -> None:
        """Keeps an attestation in an envelope that `treaty-contracts sign --attest` wrote; it decides
        nothing. 409 where governance has no verdict of the package; 422 as for a signed verdict."""
        attested = signers.attestation(signed)
        if attested.plugin != name:
            raise Problem(422, f"the attestation is of plugin {attested.plugin}, the path names {name}")
        if not await attestations.add(attested, datetime.now(UTC)):
            raise Problem(409, f"there is no verdict of {attested.digest}: publish the package first")

    @router.get("/{name}/attestations", responses=documented(404))
    async def list_attestations(name: Name, principal: Principal = anyone) -> AttestationList:
        """Who vouched for any package of the plugin, newest first, at most 100, with what was said. For
        platform viewers: it tells of workers' hosts."""
        principal.require_platform(Platform.VIEWER)
        _known(name, await decisions.one(name))
        return AttestationList(items=await attestations.of(name))


def _known(name: str, found: ContractDecided | None) -> ContractDecided:
    if found is None:
        raise Problem(404, f"no plugin {name}")
    return found


def _possible(name: str, found: ContractDecided | Wrong | None) -> ContractDecided:
    if isinstance(found, Wrong):
        raise Problem(409, found.why)
    return _known(name, found)

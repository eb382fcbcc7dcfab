"""/compatibility and /config: whether a schema may follow another, and by which rule."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from treaty_contract_governance.subjects.answers import Name, RegistryError, json_schema, one_version
from treaty_contract_governance.subjects.compatibility import DEFAULT, Finding, Mode, judge
from treaty_contract_governance.subjects.model import Registration, SchemaError, canonical
from treaty_contract_governance.subjects.store import Subjects

__all__ = ["add"]


class Comparison(BaseModel):
    """`messages` and `findings` are there when asked for."""

    is_compatible: bool
    messages: list[str] | None = None
    findings: list[Finding] | None = None


class Level(BaseModel):
    level: Annotated[Mode, Field(serialization_alias="compatibilityLevel")]


class Wanted(BaseModel):
    compatibility: Annotated[str, Field(max_length=40)]


def add(router: APIRouter, subjects: Subjects, reader: Any, governor: Any) -> None:
    """Adds the routes; `reader` and `governor` are dependencies: who may ask, and who may set."""

    @router.post(
        "/compatibility/subjects/{subject}/versions/{version}",
        dependencies=[reader],
        response_model_exclude_none=True,
    )
    async def compare(name: Name, version: str, body: Registration, verbose: bool = False) -> Comparison:
        """Whether the schema may follow one version, by the subject's rule; `verbose` says why not."""
        try:
            proposal = canonical(json_schema(body))
        except SchemaError as error:
            raise RegistryError(42201, str(error)) from error
        earlier = [await one_version(subjects, name, version)]
        findings = await asyncio.to_thread(judge, proposal, earlier, await _mode(subjects, name))
        if not verbose:
            return Comparison(is_compatible=not findings)
        words = [finding.words() for finding in findings]
        return Comparison(is_compatible=not findings, messages=words, findings=findings)

    @router.get("/config", dependencies=[reader])
    async def get_config() -> Level:
        """The rule of subjects that have none of their own."""
        return Level(level=await _mode(subjects, ""))

    @router.put("/config", dependencies=[governor])
    async def put_config(body: Wanted) -> Wanted:
        await subjects.set_mode(_known_mode(body))
        return body

    @router.get("/config/{subject}", dependencies=[reader])
    async def get_subject_config(
        name: Name, or_global: Annotated[bool, Query(alias="defaultToGlobal")] = False
    ) -> Level:
        found = await subjects.mode(name)
        if found is None and not or_global:
            raise RegistryError(
                40408, f"Subject '{name}' does not have subject-level compatibility configured"
            )
        return Level(level=found or await _mode(subjects, ""))

    @router.put("/config/{subject}", dependencies=[governor])
    async def put_subject_config(name: Name, body: Wanted) -> Wanted:
        await subjects.set_mode(_known_mode(body), name)
        return body


def _known_mode(wanted: Wanted) -> Mode:
    try:
        return Mode(wanted.compatibility.upper())
    except ValueError as error:
        known = ", ".join(Mode)
        raise RegistryError(42203, f"Invalid compatibility level. Valid values are {known}") from error


async def _mode(subjects: Subjects, name: str) -> Mode:
    return (await subjects.mode(name) if name else None) or await subjects.mode() or DEFAULT

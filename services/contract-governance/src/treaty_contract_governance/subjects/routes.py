"""/subjects, /schemas, /compatibility and /config, with Confluent's bodies and error codes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import Platform, Principal
from treaty_contract_governance.subjects import rules
from treaty_contract_governance.subjects.answers import (
    Answer,
    Fault,
    Name,
    RegistryError,
    json_schema,
    one_version,
)
from treaty_contract_governance.subjects.compatibility import Finding, IncompatibleError
from treaty_contract_governance.subjects.model import JSON, Registration, SchemaError
from treaty_contract_governance.subjects.store import Subjects

__all__ = ["routes"]


class Incompatible(Fault):
    """Beside Confluent's members, what its `message` says as data."""

    findings: list[Finding]


class Identity(BaseModel):
    id: int


class SchemaText(BaseModel):
    text: Annotated[str, Field(serialization_alias="schema")]
    kind: Annotated[str, Field(serialization_alias="schemaType")] = JSON


class SubjectVersion(SchemaText):
    subject: str
    version: int
    id: int


def routes(subjects: Subjects, bearer: Bearer) -> APIRouter:
    faults: dict[int | str, dict[str, Any]] = {code: {"model": Fault} for code in (401, 403, 404, 422)}
    router = APIRouter(tags=["schemas"], default_response_class=Answer, responses=faults)

    async def anyone(request: Request) -> Principal:
        try:
            return await bearer(request)
        except Problem as problem:
            raise RegistryError(40101, problem.detail, problem.headers) from problem

    reader = Depends(anyone)

    async def governor(principal: Principal = reader) -> Principal:
        try:
            principal.require_platform(Platform.ADMIN)
        except Problem as problem:
            raise RegistryError(40301, problem.detail) from problem
        return principal

    @router.post(
        "/subjects/{subject}/versions",
        dependencies=[Depends(governor)],
        responses={409: {"model": Incompatible}},
    )
    async def register(name: Name, body: Registration) -> Identity:
        """Registers a JSON Schema; one that differs from a known one in layout only gets its id. 409 where it
        may not follow the subject's earlier ones, with each reason's path, rule, example and fix."""
        text = json_schema(body)
        try:
            return Identity(id=await subjects.register(name, text))
        except SchemaError as error:
            raise RegistryError(42201, str(error)) from error
        except IncompatibleError as error:
            message = f"Schema being registered is incompatible with an earlier schema; {error}"
            findings = [finding.model_dump() for finding in error.findings]
            raise RegistryError(409, message, findings=findings) from error

    @router.get("/subjects", dependencies=[reader])
    async def list_subjects() -> list[str]:
        return await subjects.names()

    @router.get("/subjects/{subject}/versions", dependencies=[reader])
    async def list_versions(name: Name) -> list[int]:
        found = await subjects.versions(name)
        if not found:
            raise RegistryError(40401, f"Subject '{name}' not found.")
        return found

    @router.get("/subjects/{subject}/versions/{version}", dependencies=[reader])
    async def get_version(name: Name, version: str) -> SubjectVersion:
        """`version` is a number or `latest`."""
        found = await one_version(subjects, name, version)
        return SubjectVersion(subject=name, version=found.version, id=found.id, text=found.text)

    @router.get("/schemas/ids/{id}", dependencies=[reader])
    async def get_schema(identity: Annotated[int, Path(alias="id", ge=1, le=2**31 - 1)]) -> SchemaText:
        found = await subjects.text(identity)
        if found is None:
            raise RegistryError(40403, f"Schema {identity} not found")
        return SchemaText(text=found)

    rules.add(router, subjects, reader, Depends(governor))
    return router

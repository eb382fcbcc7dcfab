"""/subjects and /schemas, with Confluent's bodies and error codes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import Platform, Principal
from treaty_contract_governance.subjects.model import JSON, Registration, SchemaError, Subject, Version
from treaty_contract_governance.subjects.store import Subjects

__all__ = ["RegistryError", "install", "routes"]

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
Name = Annotated[Subject, Path(alias="subject", description="the subject's name")]


class RegistryError(Exception):
    """Answered as {"error_code", "message"}; the first three digits of the code are the status."""

    def __init__(self, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers


class Fault(BaseModel):
    error_code: int
    message: str


class Identity(BaseModel):
    id: int


class SchemaText(BaseModel):
    text: Annotated[str, Field(serialization_alias="schema")]
    kind: Annotated[str, Field(serialization_alias="schemaType")] = JSON


class SubjectVersion(SchemaText):
    subject: str
    version: int
    id: int


class _Answer(JSONResponse):
    media_type = MEDIA_TYPE


def install(app: FastAPI) -> None:
    """Answers RegistryError anywhere in the application."""

    async def fault(_: Request, error: RegistryError) -> Response:
        body = {"error_code": error.code, "message": str(error)}
        return _Answer(body, int(str(error.code)[:3]), error.headers)

    app.exception_handler(RegistryError)(fault)


def routes(subjects: Subjects, bearer: Bearer) -> APIRouter:
    faults: dict[int | str, dict[str, Any]] = {code: {"model": Fault} for code in (401, 403, 404, 422)}
    router = APIRouter(tags=["schemas"], default_response_class=_Answer, responses=faults)

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

    @router.post("/subjects/{subject}/versions", dependencies=[Depends(governor)])
    async def register(name: Name, body: Registration) -> Identity:
        """Registers a JSON Schema; one that differs from a known one in layout only gets its id."""
        if body.kind != JSON:
            raise RegistryError(42201, f"schemaType {body.kind}: only {JSON} is served")
        try:
            return Identity(id=await subjects.register(name, body.text))
        except SchemaError as error:
            raise RegistryError(42201, str(error)) from error

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
        found = await _version(subjects, name, version)
        return SubjectVersion(subject=name, version=found.version, id=found.id, text=found.text)

    @router.get("/schemas/ids/{id}", dependencies=[reader])
    async def get_schema(identity: Annotated[int, Path(alias="id", ge=1, le=2**31 - 1)]) -> SchemaText:
        found = await subjects.text(identity)
        if found is None:
            raise RegistryError(40403, f"Schema {identity} not found")
        return SchemaText(text=found)

    return router


async def _version(subjects: Subjects, name: str, version: str) -> Version:
    if version != "latest" and (not re.fullmatch(r"[1-9][0-9]{0,9}", version) or int(version) >= 2**31):
        raise RegistryError(42202, f"The specified version '{version[:40]}' is not a valid version id.")
    found = await subjects.version(name, None if version == "latest" else int(version))
    if found is not None:
        return found
    if await subjects.versions(name):
        raise RegistryError(40402, f"Version {version} not found.")
    raise RegistryError(40401, f"Subject '{name}' not found.")

"""Answers in the form of Confluent's schema registry, faults with its codes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from treaty_contract_governance.subjects.model import JSON, Registration, Subject, Version
from treaty_contract_governance.subjects.store import Subjects

__all__ = ["Answer", "Fault", "Name", "RegistryError", "install", "json_schema", "one_version"]

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
Name = Annotated[Subject, Path(alias="subject", description="the subject's name")]


class RegistryError(Exception):
    """Answered as {"error_code", "message"}; the first three digits of the code are the status."""

    def __init__(self, code: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers
        self.more = more


class Fault(BaseModel):
    error_code: int
    message: str


class Answer(JSONResponse):
    media_type = MEDIA_TYPE


def install(app: FastAPI) -> None:
    """Answers RegistryError anywhere in the application."""

    async def fault(_: Request, error: RegistryError) -> Response:
        body = {"error_code": error.code, "message": str(error), **error.more}
        return Answer(body, int(str(error.code)[:3]), error.headers)

    app.exception_handler(RegistryError)(fault)


def json_schema(body: Registration) -> str:
    """The text of a JSON Schema. Raises RegistryError for another kind."""
    if body.kind != JSON:
        raise RegistryError(42201, f"schemaType {body.kind}: only {JSON} is served")
    return body.text


async def one_version(subjects: Subjects, name: str, version: str) -> Version:
    """By number, or `latest`. Raises RegistryError."""
    if version != "latest" and (not re.fullmatch(r"[1-9][0-9]{0,9}", version) or int(version) >= 2**31):
        raise RegistryError(42202, f"The specified version '{version[:40]}' is not a valid version id.")
    found = await subjects.version(name, None if version == "latest" else int(version))
    if found is not None:
        return found
    if await subjects.versions(name):
        raise RegistryError(40402, f"Version {version} not found.")
    raise RegistryError(40401, f"Subject '{name}' not found.")

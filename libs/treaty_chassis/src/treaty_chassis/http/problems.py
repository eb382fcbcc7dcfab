"""Errors as RFC 9457 problem details, `application/problem+json`.

Every problem has `type` (`urn:treaty:problem:<code>`), `title`, `status`, `detail` and `code`, the
stable name a program may switch on. A body that does not validate adds `errors`, each with a JSON
Pointer (RFC 6901) into the body, or the name of the query, path or header parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

__all__ = ["MEDIA_TYPE", "Problem", "documented", "install", "response"]

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)

CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    428: "precondition_required",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """Raised anywhere under a route; answered as problem details. `more` adds extension members."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or CODES.get(status, "error")
        self.headers = dict(headers or {})
        self.more = more

    def body(self) -> dict[str, Any]:
        """The problem details object."""
        return {
            "type": f"urn:treaty:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }


def response(problem: Problem) -> Response:
    """A problem as a response, for middleware that stands outside the handlers."""
    return JSONResponse(problem.body(), problem.status, problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answers every error of the application as a problem; an unforeseen one without its message."""
    app.exception_handler(Problem)(_problem)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_unforeseen)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = SCHEMA
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a router: these statuses, and 422, are problems in the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*statuses, 422})
    }


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


async def _problem(request: Request, error: Problem) -> Response:
    return response(error)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        at = next(e["loc"][-1] for e in found if e["type"] == "json_invalid")
        return response(Problem(400, f"the body is not JSON (character {at})", code="malformed_json"))
    if request.headers.get("content-length", "0") != "0" and not _is_json(request):
        return response(Problem(415, "the body must be application/json"))
    errors = [_located(e["loc"], e["msg"]) for e in found]
    return response(Problem(422, f"{len(errors)} fault(s) in the request", errors=errors))


def _is_json(request: Request) -> bool:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _located(place: Sequence[int | str], message: str) -> dict[str, str]:
    where, path = place[0], place[1:]
    if where == "body":
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
        return {"pointer": f"#{pointer}", "detail": message}
    return {"parameter": f"{where}:{'.'.join(str(part) for part in path)}", "detail": message}


async def _http(request: Request, error: HTTPException) -> Response:
    detail = str(error.detail)
    if error.status_code == 404:
        detail = "nothing is here"
    elif error.status_code == 405:
        detail = f"{request.method} is not possible here"
    return response(Problem(error.status_code, detail, headers=error.headers))


async def _unforeseen(request: Request, error: Exception) -> Response:
    route = request.scope.get("route")
    log.error("request_failed", method=request.method, route=getattr(route, "path", None), exc_info=error)
    return response(Problem(500, "the server failed; its log says why"))

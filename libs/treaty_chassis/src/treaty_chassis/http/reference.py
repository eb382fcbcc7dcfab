"""/docs: the interface to read and to try, without anything from the internet.

The page is Swagger UI (Apache-2.0), of which the package fastapi-offline (MIT) carries the files; nothing of
that package is run.
"""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, Response

__all__ = ["install"]

FILES: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/begin.js"></script>
</html>
"""
BEGIN: Final = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#reference", deepLinking: true});\n'
# Swagger UI styles its elements in place, and draws its icons from data URLs.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def install(app: FastAPI) -> None:
    """Serves /docs of an application that has no docs_url. Raises FileNotFoundError where the package that
    carries the files has them elsewhere."""
    found = find_spec("fastapi_offline")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("the package fastapi-offline is not installed")
    folder = Path(found.submodule_search_locations[0], "static")
    page = PAGE.format(title=escape(app.title))
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}

    async def docs() -> Response:
        return Response(page, media_type="text/html", headers=headers)

    async def begin() -> Response:
        return Response(BEGIN, media_type="text/javascript", headers=headers)

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route("/docs/begin.js", begin, include_in_schema=False)
    for name, kind in FILES.items():
        _serve(app, folder / name, kind, headers)


def _serve(app: FastAPI, file: Path, kind: str, headers: dict[str, str]) -> None:
    if not file.is_file():
        raise FileNotFoundError(file)

    async def answer() -> Response:
        return FileResponse(file, media_type=kind, headers={**headers, "Cache-Control": "max-age=86400"})

    app.add_api_route(f"/docs/{file.name}", answer, include_in_schema=False)

"""The platform's REST interfaces, called with the development client's token."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from treaty_cli import credentials
from treaty_cli.addresses import web_url
from treaty_cli.home import Home

__all__ = ["Api", "ApiError", "named_elsewhere", "token"]

_TIMEOUT_S = 30.0


class ApiError(RuntimeError):
    """A service refused, or does not answer. `status` is 0 where it does not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _problem(answer: httpx.Response) -> str:
    """RFC 9457 where the body is one."""
    where = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
    try:
        body = answer.json()
        detail = ": ".join(str(body[name]) for name in ("title", "detail") if body.get(name))
        errors = body.get("errors")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{where} {answer.text[:300]}"
    return f"{where} {detail}" + (f" {errors}" if errors else "")


def _send(client: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    try:
        answer = client.request(method, url, **options)
    except httpx.HTTPError as error:
        where = f"{client.base_url}".rstrip("/")
        reason = str(error) or type(error).__name__
        raise ApiError(0, f"{where} does not answer ({reason}): is the platform up?") from error
    if answer.is_error:
        raise ApiError(answer.status_code, _problem(answer))
    return answer


def token(home: Home) -> dict[str, Any]:
    """A fresh access token of the development client (RFC 6749, 4.4): access_token, expires_in, ..."""
    keys = credentials.ensure(home)
    with httpx.Client(base_url=home.running().urls["registry"], timeout=_TIMEOUT_S) as client:
        answer = _send(
            client,
            "POST",
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=httpx.BasicAuth(keys.client_id, keys.client_secret),
        )
    found: dict[str, Any] = answer.json()
    return found


def _client(url: str, bearer: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {bearer}"}, timeout=_TIMEOUT_S)


def _elsewhere(service: str) -> tuple[str, str] | None:
    """Where TREATY_<SERVICE>_URL says a service of a platform elsewhere is, and the token for it."""
    setting = _setting(service)
    if not (url := os.environ.get(setting)):
        return None
    if not (file := os.environ.get("TREATY_TOKEN_FILE")):
        raise ApiError(0, f"{setting} is given: TREATY_TOKEN_FILE has to name a token of that platform")
    try:
        return web_url(setting, url), Path(file).read_text().strip()
    except OSError as error:
        raise ApiError(0, f"TREATY_TOKEN_FILE: {file}: {error.strerror}") from error


def named_elsewhere(service: str) -> bool:
    """Whether `Api.named` asks a platform elsewhere."""
    return bool(os.environ.get(_setting(service)))


def _setting(service: str) -> str:
    return f"TREATY_{service.upper()}_URL"


class Api:
    """One service of the platform that this home brought up: `Api(home, "registry")`. Raises ApiError for
    every refusal."""

    def __init__(self, home: Home, service: str) -> None:
        self._client = _client(home.running().urls[service], token(home)["access_token"])

    @classmethod
    def named(cls, home: Home, service: str) -> Self:
        """The service of the platform that the environment names, else of this home's."""
        elsewhere = _elsewhere(service)
        return cls(home, service) if elsewhere is None else cls.at(*elsewhere)

    @classmethod
    def at(cls, url: str, bearer: str) -> Self:
        """A service that runs elsewhere, called with that token."""
        made = cls.__new__(cls)
        made._client = _client(url, bearer)
        return made

    def get(self, path: str, **params: str | int) -> Any:
        return _send(self._client, "GET", path, params=params).json()

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> Any:
        """A JSON object, or JSON that is to arrive byte for byte; None where the answer is empty."""
        if isinstance(body, bytes):
            headers = {"Content-Type": "application/json"}
            answer = _send(self._client, "POST", path, content=body, headers=headers)
        else:
            answer = _send(self._client, "POST", path, json=dict(body))
        return answer.json() if answer.content else None

    def delete(self, path: str) -> None:
        _send(self._client, "DELETE", path)

    def items(self, path: str, **params: str | int) -> Iterator[dict[str, Any]]:
        """Every item of a paged list."""
        cursor: str | None = None
        while True:
            page = self.get(path, **params, **({} if cursor is None else {"cursor": cursor}))
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def ensure(self, path: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The item of a paged list whose `key` is the body's; made where there is none."""
        for item in self.items(path, limit=200):
            if item[key] == body[key]:
                return item
        made: dict[str, Any] = self.post(path, body)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

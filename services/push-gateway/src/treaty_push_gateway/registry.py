"""The registry's state of a workspace, asked for in the subscriber's own name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from treaty_push_gateway.stream.cursor import Position
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.filters import Filter

__all__ = ["Registry", "Snapshot"]

LARGEST: Final = 64 * 1024 * 1024
TIMEOUT: Final = httpx.Timeout(10.0)
AT_ONCE: Final = 4
"""Snapshots fetched and read at a time; each may hold LARGEST bytes. The others wait for their turn."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The JSON of each state, and the position the states reflect: the first offsets not in them."""

    states: list[bytes]
    topic: UUID
    position: Position


class _Offsets(msgspec.Struct):
    topic_uuid: UUID
    partitions: dict[int, int]


class _Body(msgspec.Struct):
    states: list[msgspec.Raw]
    offsets: _Offsets


class _State(msgspec.Struct):
    device: str
    model: str = ""
    measurements: list[_Named] = []
    properties: dict[str, msgspec.Raw] = {}


class _Named(msgspec.Struct):
    name: str


_body = msgspec.json.Decoder(_Body)
_state = msgspec.json.Decoder(_State)


class Registry:
    """`url` is the registry's base; the client is closed with `close`."""

    def __init__(self, url: str) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def snapshot(self, workspace: str, token: str, filter: Filter) -> Snapshot:
        """The states the filter admits. Raises CodedError: forbidden, or snapshot_unavailable."""
        async with self._room:
            body = await self._fetch(workspace, token)
            # Off the loop: others' readings do not wait for a large workspace.
            return await asyncio.to_thread(_parse, body, filter)

    async def _fetch(self, workspace: str, token: str) -> bytes:
        path = f"/v1/workspaces/{quote(workspace, safe='')}/state"
        try:
            async with self._client.stream(
                "GET", path, headers={"Authorization": f"Bearer {token}"}
            ) as response:
                if response.status_code in {401, 403, 404}:
                    raise CodedError(Code.FORBIDDEN, f"the registry answered {response.status_code}")
                if response.status_code != 200:
                    raise _unavailable(f"the registry answered {response.status_code}")
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise _unavailable(f"the workspace's state is larger than {LARGEST} bytes")
        except httpx.HTTPError as error:
            raise _unavailable(f"the registry did not answer ({type(error).__name__})") from error
        return bytes(body)


def _parse(body: bytes, filter: Filter) -> Snapshot:
    try:
        found = _body.decode(body)
        states = [bytes(state) for state in found.states if _admits(filter, _state.decode(state))]
    except msgspec.DecodeError as error:
        raise _unavailable(f"the registry's answer has another form: {error}") from error
    offsets = found.offsets.partitions
    position = tuple(offsets.get(p, 0) for p in range(max(offsets, default=-1) + 1))
    return Snapshot(states, found.offsets.topic_uuid, position)


def _admits(filter: Filter, state: _State) -> bool:
    names = {m.name for m in state.measurements} | state.properties.keys()
    return (
        (not filter.devices or state.device in filter.devices)
        and (not filter.models or state.model in filter.models)
        and (not filter.measurements or not filter.measurements.isdisjoint(names))
    )


def _unavailable(why: str) -> CodedError:
    return CodedError(Code.SNAPSHOT_UNAVAILABLE, why)

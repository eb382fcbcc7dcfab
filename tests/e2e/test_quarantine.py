"""A plugin begins to break its promises: it is quarantined by its budget, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from treaty_cli.api import Api, token
from treaty_cli.home import Home
from treaty_contracts.specimen import write_specimen
from treaty_embedded.process import wait_until
from treaty_events.topics import raw_topic
from treaty_push_gateway.client import Filter, Readings, Stream

from .conftest import ANSWER_S, PATIENCE_S, READY_S

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]
DECODER = '''
from treaty import Decoded, DecodeError, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    """Two bytes, a number; after "new" it is what newer firmware sends."""
    newer = uplink.payload[:3] == b"new"
    payload = uplink.payload[3:] if newer else uplink.payload
    if len(payload) != 2:
        raise DecodeError("two bytes expected")
    number = int.from_bytes(payload, "big")
    return [Reading({"air_temperature": 20.0}, {%s: number})]
'''
FIRST = DECODER % '"count" if newer else "number"'
"""Does not know the newer firmware: it says something the contract does not promise."""
FIXED = DECODER % '"number"'


def write(folder: Path, version: str, decoder: str) -> Path:
    return write_specimen(folder / "acme", version=version, decoder=decoder, properties={"number": "integer"})


class Fleet:
    """One device of the plugin, behind a gateway with a topic of its own."""

    def __init__(self, home: Home) -> None:
        slug = f"acme-{uuid.uuid4().hex[:8]}"
        with Api(home, "registry") as api:
            workspace = api.post("/v1/workspaces", {"name": slug})["id"]
            base = f"/v1/workspaces/{workspace}"
            site = api.post(f"{base}/sites", {"name": "Here"})["id"]
            gateway = api.post(
                f"{base}/gateways",
                {"slug": slug, "network": "native", "authentication": "topic", "site_id": site},
            )["id"]
            api.post("/v1/device-models", {"id": "acme/one", "name": "ONE", "plugin": "acme"})
            made = api.post(
                f"{base}/devices",
                {"external_id": "one", "gateway_id": gateway, "model": "acme/one", "name": "One"},
            )
        self.device: str = made["id"]
        self.sent = 0
        self._topic = raw_topic(slug).name
        self._producer = Producer(
            {"bootstrap.servers": home.running().bootstrap_servers, "enable.idempotence": True}
        )

    def send(self, count: int, prefix: bytes = b"") -> None:
        """Uplinks with the next numbers."""
        for number in range(self.sent, self.sent + count):
            self._produce(number, prefix)
        self.sent += count
        assert self._producer.flush(PATIENCE_S) == 0

    def repeat(self) -> None:
        """The first uplink, as often as it takes: what comes before its device is known to all is refused."""
        self.sent = 1
        self._produce(0, b"")
        assert self._producer.flush(PATIENCE_S) == 0

    def _produce(self, number: int, prefix: bytes) -> None:
        headers = {"treaty-device": b"one", "treaty-counter": str(number).encode()}
        self._producer.produce(self._topic, prefix + number.to_bytes(2, "big"), b"one", headers=headers)


class Subscriber:
    """Everything a WebSocket subscriber is told of one device, from before its first uplink."""

    def __init__(self, home: Home, device: str) -> None:
        self.readings: list[dict[str, Any]] = []
        url = home.running().urls["push"].replace("http://", "ws://") + "/v1/stream"
        wanted = Filter(devices=(device,))
        self._stream = Stream(url, lambda: str(token(home)["access_token"]), filter=wanted)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Subscriber:
        await self._stream.__aenter__()
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stream.__aexit__(None, None, None)

    async def _listen(self) -> None:
        async for message in self._stream:
            if isinstance(message, Readings):
                self.readings += message.readings

    def numbers(self) -> list[int]:
        return [reading["properties"]["number"] for reading in self.readings]

    async def until(self, holds: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> None:
        end = time.monotonic() + seconds
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}; told {len(self.readings)}"
            await asyncio.sleep(0.1)


async def test_a_plugin_past_its_budget_waits_and_its_fixed_version_drains_the_backlog(
    treaty_in, tmp_path, monkeypatch
):
    monkeypatch.setenv("TREATY_VIOLATIONS", "10")
    monkeypatch.setenv("TREATY_VIOLATION_SHARE", "1")
    folder = tmp_path / "plugins"
    path = write(folder, "1.0.0", FIRST)
    treaty, home = treaty_in(tmp_path / ".treaty"), Home(tmp_path / ".treaty")
    treaty.start("up", "--plugins", str(folder))
    treaty.wait_said("Ctrl-C stops it", READY_S)

    def is_so(holds: Callable[[dict[str, Any]], bool]) -> Callable[[], bool]:
        """Of the one plugin."""
        return lambda: treaty.tells(lambda found: len(found) == 1 and holds(found[0]), "plugin", "list")

    def heard() -> bool:
        fleet.repeat()
        return bool(subscriber.readings)

    def held_back() -> bool:
        """The worker has been told: what it was given before it knew was still its to read."""
        try:
            told = httpx.get(f"{treaty.urls()['normalization']}/metrics", timeout=ANSWER_S).text
        except httpx.HTTPError:
            return False
        return "treaty_runner_suspended_partitions 1.0" in told.splitlines()

    fleet = await asyncio.to_thread(Fleet, home)
    async with Subscriber(home, fleet.device) as subscriber:
        await subscriber.until(is_so(lambda found: found["topic"] is not None), "the plugin to come into use")
        await subscriber.until(heard, "the first reading")
        fleet.send(49)
        await subscriber.until(lambda: len(subscriber.readings) >= 50, "the first readings")

        fleet.send(40, b"new")
        await subscriber.until(is_so(lambda found: found["state"] == "quarantined"), "the quarantine")
        (held,) = treaty.json("plugin", "list")
        assert held["decided_by"] == "workers' reports"
        assert "budget_exceeded" in held["reason"]
        await subscriber.until(held_back, "the worker to hold it")
        fleet.send(60, b"new")
        fleet.send(50)

        write(folder, "1.0.1", FIXED)
        published = (await asyncio.to_thread(treaty.json, "plugin", "publish", str(path)))[0]
        assert (published["state"], published["plugin_version"]) == ("admitted", "1.0.1")
        await subscriber.until(
            lambda: subscriber.readings and subscriber.numbers()[-1] == fleet.sent - 1, "the backlog"
        )

    told = subscriber.numbers()
    assert told == sorted(set(told)), "each once, in order"
    lost = sorted(set(range(fleet.sent)) - set(told))
    # What had gone wrong before the quarantine is dead-lettered, all of it and nothing else.
    assert 10 < len(lost) <= 40
    assert lost == list(range(50, 50 + len(lost)))
    assert told[50:] == list(range(50 + len(lost), fleet.sent))
    versions = [reading["provenance"]["version"] for reading in subscriber.readings]
    assert [version for version, _ in groupby(versions)] == ["1.0.0", "1.0.1"]
    assert versions.count("1.0.0") == 50
    assert wait_until(lambda: treaty.ready("normalization"), PATIENCE_S)

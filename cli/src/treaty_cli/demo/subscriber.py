"""The demo's own subscriber: logs every reading that the push gateway delivers, and when."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import structlog

from treaty_cli.demo.journal import Journal
from treaty_cli.demo.seed import load
from treaty_push_gateway.client import Filter, Live, Readings, Stream

__all__ = ["LIVE", "subscribe"]

log = structlog.get_logger(__name__)

LIVE: Final = "live"
"""Marked in the journal when readings can no longer be missed."""
PATIENCE_S: Final = 120.0


async def subscribe(seed_file: Path, log_file: Path) -> None:
    """Until SIGTERM or SIGINT. Reconnects and resumes by its cursor. Raises StreamError when the gateway
    refuses, or does not answer for two minutes."""
    seed = load(seed_file)
    stream = Stream(
        _url(seed.push_url),
        # The file is read again at every connect: it holds a fresh token after a restart of the platform.
        lambda: load(seed_file).token,
        filter=Filter(workspaces=(seed.workspace,)),
        patience_s=PATIENCE_S,
    )
    journal = Journal(log_file)
    task = asyncio.ensure_future(_receive(stream, journal))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        journal.mark(_now_ms(), "stopped")
        log.info("subscriber stopped", connects=stream.connects)
    finally:
        await stream.close()
        journal.close()


async def _receive(stream: Stream, journal: Journal) -> None:
    async for message in stream:
        received_ms = _now_ms()
        match message:
            case Readings(readings=readings):
                journal.readings(received_ms, readings)
            case Live():
                journal.mark(received_ms, LIVE)
                log.info("subscriber is live", connects=stream.connects)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _url(push_url: str) -> str:
    parts = urlsplit(push_url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") or "/v1/stream", "", ""))

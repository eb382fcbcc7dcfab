"""uvicorn with the settings every service wants, on a socket bound before anything else starts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

__all__ = ["bind", "run", "serving", "until_stopped"]

log = structlog.get_logger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """A listening address; port 0 lets the system choose. Raises OSError saying which is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return bound


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which has more than HTTP to drain."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket, **options: Any) -> AsyncIterator[uvicorn.Server]:
    """Serves while the block runs; on leaving, requests under way get ten seconds to end.

    `options` go to uvicorn.Config (`ws=` for a service's own protocol class). Raises RuntimeError where
    the application does not start.
    """
    host, port = bound.getsockname()[:2]
    settings: dict[str, Any] = {
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": 10,
        "limit_concurrency": 1000,
    }
    server = _Server(uvicorn.Config(app, **{**settings, **options}))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the application did not start; its log says why")
            await asyncio.sleep(0.005)
        log.info("listening", host=host, port=port)
        yield server
    finally:
        server.should_exit = True
        await task


async def until_stopped() -> None:
    """Returns when SIGTERM or SIGINT arrives."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def run(app: Callable[[], ASGIApp], host: str, port: int, **options: Any) -> None:
    """Serves the application, made inside the event loop, until SIGTERM or SIGINT; then drains."""

    async def main() -> None:
        bound = bind(host, port)
        stopped = asyncio.create_task(until_stopped())
        async with serving(app(), bound, **options):
            await stopped

    with asyncio.Runner(loop_factory=_uvloop) as runner:
        runner.run(main())


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - the loop of a service, not of whoever imports this module

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop

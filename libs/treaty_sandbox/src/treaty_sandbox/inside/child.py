"""Main of a child: be configured, be confined, load, then answer batches until the channel closes."""

from __future__ import annotations

import gc
import mmap
import os
import select
import sys
import sysconfig
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import msgspec

from treaty_sandbox.confinement.apply import confine
from treaty_sandbox.confinement.missing import MissingMechanismError
from treaty_sandbox.frames import BATCH, CONFIGURE, CONFINED, READY, REFUSED, REPLY, Frames, frame
from treaty_sandbox.inside.package import Package

__all__ = ["describe", "main"]

PROGRESS_BYTES = 4096
MAX_CONFIGURATION = 96 * 1024 * 1024
_CHUNK = 262_144
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def main(
    channel_descriptor: int, progress_descriptor: int, parent: int, importer: Callable[[str], ModuleType]
) -> NoReturn:
    progress = memoryview(mmap.mmap(progress_descriptor, PROGRESS_BYTES)).cast("Q")
    os.close(progress_descriptor)
    channel = Channel(channel_descriptor)
    kind, _, body = channel.next()
    if kind != CONFIGURE:
        os._exit(64)
    configuration = _decode(body)
    channel.limit(configuration["limits"]["batch_reply"])
    stage = "runner"
    try:
        module, _, function = configuration["runner"].partition(":")
        runner = getattr(importer(module), function)
        stage = "confinement"
        applied = confine(configuration, channel.fileno(), parent)
        channel.send(CONFINED, 0, _encode(applied))
        stage = "load"
        sys.path[:] = [*_standard_library(), *configuration["import_path"]]
        sys.argv[:] = [""]
        sys.dont_write_bytecode = True
        handler = runner(Package(configuration["package"]), configuration["options"])
    except BaseException as error:
        kind_name = error.mechanism if isinstance(error, MissingMechanismError) else type(error).__name__
        channel.send(REFUSED, 0, _encode([stage, kind_name[:200], describe(error)]))
        os._exit(65)
    gc.collect()
    gc.freeze()
    channel.send(READY, 0, b"")
    answer(channel, progress, handler, configuration["limits"])


def _standard_library() -> list[str]:
    library = sysconfig.get_path("stdlib")
    return [library, f"{library}/lib-dynload"]


def answer(
    channel: Channel, progress: memoryview, handler: Callable[[Any], Any], limits: dict[str, int]
) -> NoReturn:
    while True:
        kind, token, body = channel.next()
        if kind != BATCH:
            os._exit(64)
        replies = []
        for position, message in enumerate(_decode(body), 1):
            progress[0] = position
            replies.append(handler(message))
        progress[0] = 0
        channel.send(REPLY, token, packed(replies, limits))


def packed(replies: list[Any], limits: dict[str, int]) -> bytes:
    """The replies as msgpack; one that cannot be encoded or is too large becomes an error of its own."""
    try:
        body = _encode(replies)
        if len(body) <= limits["message_reply"]:
            return body
    except Exception:  # noqa: S110 - found again below, with its index
        pass
    parts = [_packed_one(reply, limits["message_reply"]) for reply in replies]
    size = sum(map(len, parts))
    if size + 5 > limits["batch_reply"]:
        os._exit(66)
    return _encode([msgspec.Raw(part) for part in parts])


def _packed_one(reply: Any, bound: int) -> bytes:
    try:
        body = _encode(reply)
    except Exception as error:
        return _encode(("error", "malformed_output", describe(error)))
    if len(body) > bound:
        return _encode(("error", "output_too_large", f"{len(body)} bytes, at most {bound} are taken"))
    return body


def describe(error: BaseException) -> str:
    """Type and message of an exception, bounded; survives a hostile __str__."""
    name = type(error).__name__[:100]
    try:
        text = str(error)[:500]
    except BaseException:
        return name
    return f"{name}: {text}" if text else name


class Channel:
    """The child's end: non-blocking, waiting in poll. The process ends when the supervisor's end closes."""

    def __init__(self, end: int) -> None:
        os.set_blocking(end, False)
        self._end = end
        self._frames = Frames(MAX_CONFIGURATION)
        self._ready: list[tuple[int, int, bytes]] = []
        self._poll = select.poll()

    def fileno(self) -> int:
        return self._end

    def limit(self, size: int) -> None:
        self._frames = Frames(size)

    def next(self) -> tuple[int, int, bytes]:
        while not self._ready:
            try:
                data = os.read(self._end, _CHUNK)
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            except OSError:
                os._exit(0)
            if not data:
                os._exit(0)
            self._ready = self._frames.feed(data)
        return self._ready.pop(0)

    def send(self, kind: int, token: int, body: bytes) -> None:
        rest = memoryview(frame(kind, token, body))
        while rest:
            try:
                sent = os.write(self._end, rest)
            except BlockingIOError:
                self._wait(select.POLLOUT)
                continue
            except OSError:
                os._exit(0)
            rest = rest[sent:]

    def _wait(self, events: int) -> None:
        self._poll.register(self._end, events)
        self._poll.poll()

"""Ask a child questions one at a time, each with its own deadline; every way it can die is an answer."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Channel", "ChildDiedError", "PlainChild"]

MAX_REPLY = 8 * 1024 * 1024


class ChildDiedError(Exception):
    """The child gave no answer: `reason` is deadline, memory, exit, signal, output or refused."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class Channel(Protocol):
    """One child. `ask` returns its reply or raises ChildDiedError, after which the channel is closed."""

    def ask(self, message: list[Any], deadline_ms: int) -> Any: ...

    def close(self) -> None: ...


class PlainChild:
    """A child process without confinement, for trusted packages in tests of the probe itself."""

    def __init__(self) -> None:
        child = Path(__file__).with_name("child.py")
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(child)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        self.buffer = b""

    def ask(self, message: list[Any], deadline_ms: int) -> Any:
        assert self.process.stdin is not None  # noqa: S101 - opened as a pipe above
        assert self.process.stdout is not None  # noqa: S101 - opened as a pipe above
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        end = time.monotonic() + deadline_ms / 1000
        descriptor = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.close()
                raise ChildDiedError("deadline", f"no answer within {deadline_ms} ms")
            part = os.read(descriptor, 1 << 20)
            if not part:
                raise self._died()
            self.buffer += part
            if len(self.buffer) > MAX_REPLY:
                self.close()
                raise ChildDiedError("output", f"an answer of more than {MAX_REPLY} bytes")
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def _died(self) -> ChildDiedError:
        self.close()
        code = self.process.returncode
        if code < 0:
            return ChildDiedError("signal", f"ended by {signal.Signals(-code).name}")
        return ChildDiedError("exit", f"ended the process with status {code}")

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                with suppress(BrokenPipeError):
                    stream.close()

"""The supervisor's side of one child process."""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from enum import Enum, auto
from pathlib import Path
from typing import Any

import msgspec

from treaty_sandbox.frames import BATCH, CONFIGURE, CONFINED, READY, REFUSED, REPLY, FrameError, Frames, frame
from treaty_sandbox.limits import ALL_MECHANISMS, Limits, Mechanism, Policy
from treaty_sandbox.outcome import Applied, ChildRefusedError
from treaty_sandbox.target import Target
from treaty_sandbox.template import Template

__all__ = ["Child", "ChildEndedError", "State"]

_PROGRESS_BYTES = 4096
_CHUNK = 262_144
_MOMENT = 0.05
_encode = msgspec.msgpack.Encoder().encode
_applied = msgspec.msgpack.Decoder(Applied)
_refused = msgspec.msgpack.Decoder(tuple[str, str, str])


class State(Enum):
    STARTING = auto()
    READY = auto()
    BUSY = auto()


class ChildEndedError(Exception):
    """The channel closed, or the child broke the protocol; it is of no more use. `kind` is a stable code."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Child:
    """One confined process running one target. Nothing here blocks.

    Drive it by `fileno()`: call `receive` when it is readable, `flush` when `wants_write` and writable.
    At most one batch is outstanding.
    """

    def __init__(
        self,
        template: Template,
        target: Target,
        limits: Limits,
        policy: Policy,
        mechanisms: Collection[Mechanism] = ALL_MECHANISMS,
        *,
        yields: bool = False,
    ) -> None:
        """`yields`: with a tenth of the usual weight at the scheduler, from before its package is loaded."""
        self._template = template
        self._frames = Frames(limits.batch_reply)
        self._progress, descriptor = _shared_memory()
        ours, theirs = socket.socketpair()
        try:
            self._number = template.spawn(theirs, descriptor)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(descriptor)
        ours.setblocking(False)
        self._channel = ours
        configuration = _configuration(target, limits, policy, mechanisms, yields)
        self._out = bytearray(frame(CONFIGURE, 0, _encode(configuration)))
        self._generation = template.generation
        self._token = 0
        self.state = State.STARTING
        self.applied: Applied | None = None
        self.handled = 0
        self._waited = self._ran = self._asked_at = self._ahead = 0.0
        self._ran_to_start = 0.0
        self.flush()

    def fileno(self) -> int:
        return self._channel.fileno()

    @property
    def pid(self) -> int | None:
        return self._template.pid(self._number)

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    @property
    def progress(self) -> int:
        """1-based position of the message in work, 0 between batches: a hint, written by the child."""
        return int.from_bytes(self._progress[:8], "little")

    def send(self, messages: Sequence[Any]) -> None:
        """Hands over a batch; only in state READY."""
        if self.state is not State.READY:
            raise RuntimeError(f"a batch for a child that is {self.state.name.lower()}")
        self._token = secrets.randbits(64)
        self._out += frame(BATCH, self._token, _encode(messages))
        self.state = State.BUSY
        self.flush()

    def flush(self) -> None:
        """Writes what the channel takes. A closed channel shows at the next `receive`."""
        while self._out:
            try:
                sent = self._channel.send(self._out)
            except BlockingIOError:
                return
            except OSError:
                self._out.clear()
                return
            del self._out[:sent]

    def receive(self) -> bytes | None:
        """The replies to the outstanding batch once they are there: msgpack, unchecked.

        Raises ChildRefusedError where the child does not start, ChildEndedError where it has ended or lies.
        """
        while True:
            try:
                data = self._channel.recv(_CHUNK)
            except BlockingIOError:
                return None
            except OSError as error:
                raise ChildEndedError("child_crashed", str(error)) from error
            if not data:
                raise ChildEndedError("child_crashed", "the channel closed")
            try:
                frames = self._frames.feed(data)
            except FrameError as error:
                raise ChildEndedError("output_too_large", str(error)) from error
            for number, (kind, token, body) in enumerate(frames, 1):
                if self.state is State.STARTING:
                    self._starting(kind, body)
                elif self._expected(kind, token) and number == len(frames):
                    self.state = State.READY
                    self.handled += 1
                    return body
                else:
                    raise ChildEndedError("child_crashed", "an answer nobody asked for")

    def _expected(self, kind: int, token: int) -> bool:
        return self.state is State.BUSY and kind == REPLY and token == self._token

    def _starting(self, kind: int, body: bytes) -> None:
        try:
            if kind == CONFINED and self.applied is None:
                self.applied = _applied.decode(body)
            elif kind == READY and self.applied is not None:
                self.state = State.READY
                self._ran_to_start = self._had_of_a_core()
            elif kind == REFUSED:
                stage, name, detail = _refused.decode(body)
                raise ChildRefusedError(stage, name[:200], detail[:1000])
            else:
                raise ChildEndedError("child_crashed", "an answer nobody asked for")
        except msgspec.DecodeError as error:
            raise ChildEndedError("child_crashed", f"a start that cannot be read: {error}") from error

    def waited(self) -> float:
        """Seconds it stood ready to run without a core since this was last asked; 0.0 where nobody knows.

        Source: /proc/<pid>/schedstat, nanoseconds on a core and waiting for one (Linux:
        Documentation/scheduler). A wait is counted there when it ends, so one that lasts still is known by a
        process that is ready and has not run for half of the time since: of what is not accounted for that is
        a moment's wait, to be asked about again, and told once.
        """
        now = time.monotonic()
        try:
            ran, stood = (int(n) / 1e9 for n in Path(f"/proc/{self.pid}/schedstat").read_text().split()[:2])
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError, ValueError):
            return 0.0
        found, since, worked = stood - self._waited, now - self._asked_at, ran - self._ran
        self._waited, self._ran, self._asked_at = stood, ran, now
        lasts = 0.0
        if state == "R" and worked < since / 2:
            lasts = min(max(0.0, since - worked - found), _MOMENT)
        told = min(found, self._ahead)
        self._ahead += lasts - told
        return found - told + lasts

    def worked(self) -> float:
        """Seconds it had of a core since it was ready; 0.0 where nobody knows."""
        return max(0.0, self._had_of_a_core() - self._ran_to_start)

    def _had_of_a_core(self) -> float:
        told = self._template.used(self._number)
        if told is not None:
            return told
        try:
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    @property
    def template_ended(self) -> bool:
        """Whether it died because the template did."""
        return self._template.generation != self._generation

    @property
    def ended(self) -> bool:
        """Whether the template has told how it ended."""
        self._template.pump()
        return self._template.ended(self._number)

    def close(self) -> str:
        """Kills it if it lives, frees what was held; how it ended, in words, as far as known."""
        self._template.kill(self._number)
        self._channel.close()
        self._progress.close()
        return self._template.forget(self._number)


def _shared_memory() -> tuple[mmap.mmap, int]:
    """A page the child writes its progress to; sealed, so that the child cannot shrink it under our feet."""
    descriptor = os.memfd_create("treaty-progress", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, _PROGRESS_BYTES)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return mmap.mmap(descriptor, _PROGRESS_BYTES, prot=mmap.PROT_READ), descriptor


def _configuration(
    target: Target, limits: Limits, policy: Policy, mechanisms: Collection[Mechanism], yields: bool
) -> dict[str, Any]:
    return {
        "runner": target.runner,
        "package": str(target.package.resolve())
        if isinstance(target.package, Path)
        else dict(target.package),
        "options": dict(target.options),
        "readable": [str(path) for path in target.readable],
        "import_path": [str(path) for path in target.import_path],
        "environment": dict(target.environment),
        "limits": asdict(limits),
        "policy": str(policy),
        "mechanisms": sorted(mechanisms),
        "yields": yields,
    }

"""Frames on the channel between supervisor and child. Standard library only; both ends use it.

A frame is a length (4 bytes, big-endian, of what follows it), a kind (1 byte), a token (8 bytes,
big-endian) and a msgpack body. A reply carries the token of its batch, drawn at random, so that
replies cannot be prepared for a batch that has not been seen.
"""

from __future__ import annotations

import struct

__all__ = ["BATCH", "CONFIGURE", "CONFINED", "READY", "REFUSED", "REPLY", "FrameError", "Frames", "frame"]

CONFIGURE = 1
BATCH = 2
CONFINED = 16
READY = 17
REFUSED = 18
REPLY = 19

_PREFIX = struct.Struct(">IBQ")
_AFTER_LENGTH = _PREFIX.size - 4


class FrameError(Exception):
    """The other end broke the framing: a frame longer than the bound, or shorter than its header."""


def frame(kind: int, token: int, body: bytes) -> bytes:
    """One frame, ready to write."""
    return _PREFIX.pack(_AFTER_LENGTH + len(body), kind, token) + body


class Frames:
    """Cuts a byte stream into (kind, token, body); holds at most one frame of `limit` bytes and a read."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """The frames completed by `data`, in order. Raises FrameError."""
        buffer = self._buffer
        buffer += data
        found = []
        start = 0
        while len(buffer) - start >= _PREFIX.size:
            length, kind, token = _PREFIX.unpack_from(buffer, start)
            if length > self._limit + _AFTER_LENGTH:
                raise FrameError(f"a frame of {length} bytes, at most {self._limit} are taken")
            if length < _AFTER_LENGTH:
                raise FrameError(f"a frame of {length} bytes is shorter than its header")
            end = start + 4 + length
            if len(buffer) < end:
                break
            found.append((kind, token, bytes(buffer[start + _PREFIX.size : end])))
            start = end
        if start:
            del buffer[:start]
        return found

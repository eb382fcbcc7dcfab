"""Ports on loopback."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from treaty_embedded.errors import EmbeddedError, PortBusyError

__all__ = ["choose", "is_free"]

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()


def is_free(port: int) -> bool:
    """Nothing listens on it; connections of an earlier listener that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(port: int | None, setting: str, preferred: int | None = None) -> int:
    """The one asked for, or `preferred` while it is free, or any free one. Raises PortBusyError.

    A free one lies below the range the kernel gives to outgoing connections: a client that keeps
    reconnecting while the server restarts can then never be given the server's port as its own.
    """
    if port is not None:
        if not is_free(port):
            raise PortBusyError(port, setting)
        return port
    if preferred is not None and is_free(preferred):
        return preferred
    low = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32768
    first, last = (10240, low - 1) if low > 11000 else (49152, 65535)
    for _ in range(200):
        found = _chance.randint(first, last)
        if is_free(found):
            return found
    raise EmbeddedError(f"no free port found between {first} and {last}; set {setting}")

"""Ports on loopback."""

from __future__ import annotations

import random
import socket
import sys
from pathlib import Path

from treaty_embedded.errors import EmbeddedError, PortBusyError

__all__ = ["choose", "is_free"]

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()
_ours: dict[int, socket.socket] = {}
_MOST = 256
"""Claims kept: the oldest go, whose servers have long been listening."""


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
    reconnecting while the server restarts can then never be given the server's port as its own. Until this
    process ends nobody else who asks here is given it: a server may take seconds until it listens.
    """
    if port is not None:
        if not is_free(port):
            raise PortBusyError(port, setting)
        return port
    if preferred is not None and is_free(preferred) and (preferred in _ours or _claim(preferred)):
        return preferred
    low = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32768
    first, last = (10240, low - 1) if low > 11000 else (49152, 65535)
    for _ in range(200):
        found = _chance.randint(first, last)
        if is_free(found) and _claim(found):
            return found
    raise EmbeddedError(f"no free port found between {first} and {last}; set {setting}")


def _claim(port: int) -> bool:
    """Whether this process has it now, by a name that one process of a network namespace can have (unix(7),
    abstract sockets) and that is free again when it ends, however it ends."""
    if port in _ours:
        return False
    if not sys.platform.startswith("linux"):
        return True
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0treaty-port-{port}")
    except OSError:
        claim.close()
        return False
    _ours[port] = claim
    while len(_ours) > _MOST:
        _ours.pop(next(iter(_ours))).close()
    return True

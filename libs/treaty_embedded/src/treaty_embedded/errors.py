"""What can go wrong when a child process is brought up, in words that say what to do."""

from __future__ import annotations

__all__ = ["DataDirBusyError", "EmbeddedError", "JarError", "PortBusyError", "StartError"]


class EmbeddedError(RuntimeError):
    """Base of every error of this package."""


class PortBusyError(EmbeddedError):
    """A port that was asked for is taken."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another process: "
            f"set {setting} to a free port, or leave it unset to have one chosen"
        )
        self.port = port
        self.setting = setting


class DataDirBusyError(EmbeddedError):
    """Another process already runs a server on this data directory."""


class StartError(EmbeddedError):
    """A child ended, or was not ready within its bound; the end of its log is in the message."""


class JarError(EmbeddedError):
    """A jar could not be fetched, or is not the one the lock names."""

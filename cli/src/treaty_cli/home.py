"""What a platform on this machine keeps between starts, under `.treaty/` (TREATY_HOME)."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Home", "NotRunningError", "Running", "require_embedded"]


class NotRunningError(RuntimeError):
    """No platform was brought up here, or its record is of another version."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where the platform's parts answer. `urls` is by service: push, registry, governance, and so on."""

    pid: int
    bootstrap_servers: str
    database_url: str
    redis_url: str
    urls: dict[str, str] = field(default_factory=dict)


def require_embedded() -> None:
    """Raises NotRunningError where this installation cannot bring a platform up: images cannot."""
    if find_spec("treaty_embedded") is None:
        raise NotRunningError("no platform answers, and this installation is without treaty-cli[embedded]")


class Home:
    """Readable by its owner only: it holds keys."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def folder(self, name: str) -> Path:
        """Made where it is missing."""
        found = self.path / name
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        return found

    @property
    def demo(self) -> Path:
        """What the demo's simulator and reconciler are told of the fleet."""
        return self.path / "demo.json"

    def write(self, path: Path, text: str) -> None:
        """Whole or not at all, for its owner's eyes only."""
        self.make()
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        part.replace(path)

    def remember(self, running: Running) -> None:
        self.write(self.path / "platform.json", json.dumps(asdict(running), indent=2) + "\n")

    def running(self) -> Running:
        """Where the platform was last brought up. Raises NotRunningError."""
        path = self.path / "platform.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text())
            return Running(**found)
        except FileNotFoundError:
            raise NotRunningError(
                f"no platform was brought up in {self.path}: run `treaty up` or `treaty demo` first"
            ) from None
        except (ValueError, TypeError) as error:
            raise NotRunningError(f"{path} cannot be read ({error}): run `treaty up` again") from error

"""The compose file in a real engine: what `make test-containers` runs, and nothing else collects."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WAIT_S = "900"
PORTS = ("PUSH", "REGISTRY", "GOVERNANCE", "INGESTION", "NORMALIZATION", "PROJECTOR", "KAFKA", "POSTGRES")

# The engine is needed, and minutes: `make test-containers` asks for them, an ordinary run does not.
collect_ignore_glob = [] if os.environ.get("TREATY_TEST_CONTAINERS") else ["test_*.py"]


class Compose:
    """One project of the compose file in `folder`, the repository's by default, on ports of its own."""

    def __init__(self, ports: dict[str, int], folder: Path = ROOT) -> None:
        self.project = f"treaty-test-{uuid.uuid4().hex[:6]}"
        self.ports = ports
        self._folder = folder
        self._environment = os.environ | {f"TREATY_{name}_PORT": str(port) for name, port in ports.items()}

    def run(self, *arguments: str, timeout_s: float = 960, check: bool = True) -> str:
        """stdout; what it says on stderr is in the failure."""
        found = subprocess.run(
            ["docker", "compose", "-p", self.project, "--profile", "tools", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and found.returncode:
            ended = " ".join(arguments)
            raise AssertionError(f"{ended}: code {found.returncode}\n{found.stderr[-3000:]}\n{self.logs()}")
        return found.stdout

    def up(self, *profiles: str) -> None:
        asked = [part for profile in profiles for part in ("--profile", profile)]
        services = self.services(*profiles)
        self.run(*asked, "up", "--wait", "--wait-timeout", WAIT_S, "--no-build", *services)

    def services(self, *profiles: str) -> list[str]:
        """Those of the profiles, the default ones included."""
        asked = [part for profile in profiles for part in ("--profile", profile)]
        found = subprocess.run(
            ["docker", "compose", *asked, "config", "--services"],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return sorted(found.stdout.split())

    def running(self) -> dict[str, dict[str, Any]]:
        """Containers by service, jobs that are done left out."""
        lines = self.run("ps", "--format", "json").splitlines()
        return {one["Service"]: one for one in map(json.loads, lines)}

    def python(self, service: str, source: str) -> str:
        """What a program says that runs beside the service's own, as its user."""
        found = subprocess.run(
            ["docker", "compose", "-p", self.project, "exec", "-T", service, "python", "-"],
            cwd=self._folder,
            env=self._environment,
            input=source,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    def logs(self) -> str:
        return self.run("logs", "--no-color", "--tail", "15", check=False)[-8000:]


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    """The default profile, up and healthy; taken down with its volumes."""
    from treaty_embedded import ports

    project = Compose({name: ports.choose(None, name) for name in PORTS})
    try:
        project.up()
        yield project
    finally:
        project.run("--profile", "demo", "down", "-v", "--timeout", "20", check=False)


@pytest.fixture(scope="session")
def demo(compose: Compose) -> Compose:
    """The same with the demo's fleet sending."""
    compose.up("demo")
    return compose

"""Facts of this host: interpreter, system, packages, what the control group really gives."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Host", "Installed", "cpus_of", "memory_of", "this_host"]

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed distribution: its version and, where PEP 610 tells, its origin."""

    version: str
    origin: Mapping[str, Any] = field(default_factory=dict)


@cache
def _installed(name: str) -> Installed | None:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        origin = {}
    return Installed(distribution.version, origin if isinstance(origin, dict) else {})


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().split()[0]
    except (OSError, IndexError):
        return None
    return int(text) if text.isdigit() else None


def _groups(root: Path) -> list[Path]:
    """The process's control group and every one above it: the tightest limit holds."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return [root]
    inner = next((line.split("::", 1)[1] for line in lines if line.startswith("0::")), "/")
    folder = root / inner.strip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]


def memory_of(root: Path = _CGROUP) -> int:
    """Bytes this process may use: the host's memory, or less where a control group says so."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [_number(folder / "memory.max") for folder in _groups(root)]
    limits.append(_number(root / "memory" / "memory.limit_in_bytes"))
    return min([pages, *(limit for limit in limits if limit is not None and limit < _UNLIMITED)])


def cpus_of(root: Path = _CGROUP) -> float:
    """Processors this process may use: its affinity, or less where a control group's quota says so."""
    available = float(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for folder in _groups(root):
        try:
            quota, period = (folder / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if quota != "max":
            available = min(available, int(quota) / int(period))
    return available


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `variables` is asked for names and stated values and never told."""

    python: str
    implementation: str
    os: str
    architecture: str
    variables: Mapping[str, str]
    memory: int
    cpus: float
    installed: Callable[[str], Installed | None]

    def public(self) -> dict[str, Any]:
        """What an attestation says of the host."""
        return {
            "python": self.python,
            "implementation": self.implementation,
            "os": self.os,
            "architecture": self.architecture,
            "memory_bytes": self.memory,
            "cpus": self.cpus,
        }


@cache
def _facts() -> tuple[str, str, str, str, int, float]:
    return (
        platform.python_version(),
        platform.python_implementation(),
        platform.system().lower(),
        platform.machine().lower(),
        memory_of(),
        cpus_of(),
    )


def this_host() -> Host:
    """The host this process runs on; everything but the environment is read once."""
    python, implementation, system, machine, memory, cpus = _facts()
    return Host(python, implementation, system, machine, os.environ, memory, cpus, _installed)

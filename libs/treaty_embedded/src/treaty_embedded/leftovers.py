"""What a start that was killed has left behind: told to end when its parent died, and perhaps not gone yet.

A record beside the data names the process and its parent. Both are told from later processes of the same
number by when they began; where there is no /proc, nothing is found.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from treaty_embedded.errors import StartError
from treaty_embedded.process import running, wait_until

__all__ = ["await_gone", "remember"]

_END_S, _KILLED_S = 30.0, 10.0


def remember(record: Path, pid: int) -> None:
    """That this process started it."""
    told = {"pid": pid, "began": _began(pid), "parent": os.getpid(), "parent_began": _began(os.getpid())}
    part = record.with_name(f"{record.name}.part")
    part.write_text(json.dumps(told))
    part.replace(record)


def await_gone(
    record: Path, name: str, say: Callable[[str], None], within_s: float = _END_S, killed_s: float = _KILLED_S
) -> None:
    """Returns once the recorded process has ended, where its parent has; it is killed past the bound. One
    whose parent lives is let be. Raises StartError where it cannot be ended."""
    try:
        told: dict[str, Any] = json.loads(record.read_text())
        pid, began, parent = int(told["pid"]), told["began"], int(told["parent"])
    except (OSError, ValueError, KeyError, TypeError):
        return

    def gone() -> bool:
        return began is None or _began(pid) != began

    if gone() or _began(parent) == told.get("parent_began"):
        return
    say(f"{name} of a start that was killed is still ending (process {pid}): waits for it")
    if wait_until(gone, within_s):
        return
    say(f"{name} of a start that was killed has not ended in {within_s:.0f} s: process {pid} is killed")
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if not wait_until(gone, killed_s):
        raise StartError(f"{name} of an earlier start cannot be ended: look at process {pid}")


def _began(pid: int) -> int | None:
    """When it began, in clock ticks since the machine did (proc_pid_stat(5), field 22); None where there is
    no such process any more."""
    if not running(pid):
        return None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])

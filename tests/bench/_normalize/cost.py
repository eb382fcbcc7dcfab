"""What a worker and its children have cost so far, from the kernel's accounting."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path

__all__ = ["Marks"]


def _children() -> list[int]:
    """Every descendant that lives."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, open_ = [], [os.getpid()]
    while open_:
        below = parents.get(open_.pop(), [])
        found += below
        open_ += below
    return found


def _cpu_s(pid: int) -> float:
    """/proc/<pid>/task/*/schedstat, first number, nanoseconds on a core."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return 0.0


def _rss_mib(pid: int | str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


class Marks:
    """From `first` events done to `last` of them: time, and CPU of this process and of its children.

    `done` is told as events are finished for good; True from it ends the run. Whoever feeds the worker holds
    everything after the first ones back until they are done (`fed`), so nothing of the rest is worked on
    before the clock starts.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.finished = 0
        self.fed = 0
        self._start: tuple[float, float, float] | None = None
        self._began_at = 0
        self._told = False

    @property
    def warm(self) -> bool:
        return self._start is not None

    def room(self, wanted: int) -> int:
        """How many more events may be fed now."""
        return wanted if self.warm else min(wanted, self.first - self.fed)

    def done(self, events: int) -> bool:
        self.finished += events
        if self._start is None:
            if self.finished >= self.first:
                self._start, self._began_at = self._now(), self.finished
            return False
        if self.finished < self.last:
            return False
        if not self._told:
            self._told = True
            self._print()
        return True

    def _now(self) -> tuple[float, float, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        mine = used.ru_utime + used.ru_stime
        return time.perf_counter(), mine, sum(_cpu_s(pid) for pid in _children())

    def _print(self) -> None:
        if self._start is None:
            return
        took, mine, theirs = (b - a for a, b in zip(self._start, self._now(), strict=True))
        events = self.finished - self._began_at
        found = {
            "events": events,
            "events_per_s": events / took,
            "cpu_us": (mine + theirs) / events * 1e6,
            "worker_cpu_us": mine / events * 1e6,
            "children_cpu_us": theirs / events * 1e6,
            "rss_mib": _rss_mib("self") + sum(map(_rss_mib, _children())),
            "worker_rss_mib": _rss_mib("self"),
        }
        print(json.dumps(found), flush=True)

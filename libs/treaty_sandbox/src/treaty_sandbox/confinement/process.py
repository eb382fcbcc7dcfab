"""What a process gives up by itself: session, privileges, descriptors, environment, resources."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

from treaty_sandbox.confinement.kernel import call, prctl
from treaty_sandbox.confinement.syscalls import Architecture

__all__ = [
    "capabilities",
    "descriptors",
    "environment",
    "no_new_privs",
    "parent_death",
    "rlimits",
    "session",
    "yield_to_others",
]

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CLOSE_RANGE = 436  # on every architecture
_CAPABILITY_VERSION_3 = 0x20080522
_YIELDING = 10
_AUTOGROUP_TRIES = 8
_AUTOGROUP_PAUSE_S = 0.11


def yield_to_others(*, own_session: bool) -> None:
    """A tenth of the usual weight at the scheduler, for good.

    The process's own niceness counts within its group only. Where the kernel groups tasks by session
    (sched(7), "The autogroup feature") a process with a session of its own stands alone in its group, so the
    group is what has to be lowered; in a control group that has none it is the process. The kernel takes one
    group every tenth of a second from an unprivileged process (EAGAIN).
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(_YIELDING, os.getpriority(os.PRIO_PROCESS, 0)))
    if not own_session:
        return  # It would be the template's group, and with it every other child's.
    for attempt in range(_AUTOGROUP_TRIES):
        with suppress(OSError):
            descriptor = os.open("/proc/self/autogroup", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, str(_YIELDING).encode())
            except BlockingIOError:
                if attempt + 1 < _AUTOGROUP_TRIES:
                    time.sleep(_AUTOGROUP_PAUSE_S)
                continue
            finally:
                os.close(descriptor)
        return


def session(*, yields: bool) -> str:
    """A session without a terminal, nothing readable by others if ever something were made. One that yields
    does so before it is undumpable: after that its files below /proc are root's."""
    os.setsid()
    if yields:
        yield_to_others(own_session=True)
    os.umask(0o077)
    os.chdir("/")
    prctl(_PR_SET_DUMPABLE, 0)
    return "own session, umask 077, not dumpable"


def parent_death(parent: int) -> str:
    """SIGKILL when the template ends, which itself ends with its supervisor."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    return "SIGKILL"


def descriptors(kept: int) -> str:
    """Closes all but the standard three, which the template got as /dev/null, and the channel."""
    for first, last in ((3, kept - 1), (kept + 1, 2**32 - 1)):
        if first <= last:
            try:
                call(_CLOSE_RANGE, first, last, 0)
            except OSError:
                os.closerange(first, min(last, os.sysconf("SC_OPEN_MAX")))
    return "stdin, stdout, stderr on /dev/null, and the channel"


def environment(declared: Mapping[str, str]) -> str:
    os.environ.clear()
    os.environ.update(declared)
    return f"{len(declared)} declared"


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("words", ctypes.c_uint32 * 6),)


def capabilities(architecture: Architecture) -> str:
    """Empties every set; the bounding set only where the process may (it has CAP_SETPCAP)."""
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            if prctl(_PR_CAPBSET_READ, capability):
                prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break
    header, sets = _Header(_CAPABILITY_VERSION_3, 0), _Sets()
    call(architecture.numbers["capset"], ctypes.pointer(header), ctypes.pointer(sets))
    return "none"


def rlimits(memory: int, cpu_seconds: int, open_files: int) -> str:
    """`memory` is on top of what the interpreter has mapped by now."""
    with open("/proc/self/statm", "rb") as source:
        base = int(source.read().split()[0]) * resource.getpagesize()
    wanted = {
        resource.RLIMIT_AS: base + memory,
        resource.RLIMIT_DATA: base + memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: 8 * 1024 * 1024,
    }
    for limit, value in wanted.items():
        _, hard = resource.getrlimit(limit)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))
    return f"memory +{memory} bytes, cpu {cpu_seconds} s, {open_files} descriptors, no files, no processes"


def no_new_privs() -> str:
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return "set"

"""Landlock: the child reads the package and the runtime, writes nothing, reaches no port, no other process.

Source: Linux's Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h. What is handled
grows with the kernel's ABI: 1 files, 2 links across directories, 3 truncation, 4 TCP bind and connect,
5 ioctl on devices, 6 abstract UNIX sockets and signals.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache

from treaty_sandbox.confinement.kernel import call
from treaty_sandbox.confinement.syscalls import Architecture

__all__ = ["abi", "prepare", "restrict", "runtime_paths"]

_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_FILES_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11
_SCOPES = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi(architecture: Architecture) -> int:
    """The kernel's Landlock ABI; raises OSError where it has none or it is switched off."""
    return call(architecture.numbers["landlock_create_ruleset"], None, 0, _VERSION)


@cache
def runtime_paths() -> tuple[str, ...]:
    """The standard library without the site-packages inside it, the shared libraries, the time zones."""
    library = sysconfig.get_path("stdlib")
    entries = set(os.listdir(library)) - {"site-packages", "dist-packages"}
    inside = [os.path.join(library, name) for name in entries]
    python_libraries = os.path.join(sys.base_prefix, "lib")
    shared = [os.path.join(python_libraries, n) for n in os.listdir(python_libraries) if ".so" in n]
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    return tuple(path for path in sorted({*inside, *shared, *system}) if os.path.exists(path))


@cache
def _runtime_ruleset(architecture: Architecture) -> int:
    return _ruleset(architecture, ())


def prepare(architecture: Architecture) -> None:
    """Makes the ruleset for the runtime alone, so that every child forked later only has to enter it."""
    _runtime_ruleset(architecture)


def restrict(architecture: Architecture, readable: Sequence[str]) -> str:
    """Restricts this process for good to the runtime and `readable`; needs no_new_privs or CAP_SYS_ADMIN.

    Returns what was done.
    """
    ruleset = _ruleset(architecture, readable) if readable else _runtime_ruleset(architecture)
    call(architecture.numbers["landlock_restrict_self"], ruleset, 0)
    os.close(ruleset)
    version = abi(architecture)
    network = ", tcp" if version >= 4 else ""
    scopes = ", signals, abstract sockets" if version >= 6 else ""
    return f"abi {version}: files{network}{scopes}"


def _ruleset(architecture: Architecture, readable: Sequence[str]) -> int:
    version = abi(architecture)
    handled = _FILES_BY_ABI[max(known for known in _FILES_BY_ABI if known <= version)]
    attributes = _Ruleset(handled, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    numbers = architecture.numbers
    ruleset = call(numbers["landlock_create_ruleset"], ctypes.pointer(attributes), size, 0)
    try:
        for path in (*runtime_paths(), *readable):
            _allow(numbers["landlock_add_rule"], ruleset, path)
    except BaseException:
        os.close(ruleset)
        raise
    return ruleset


def _allow(number: int, ruleset: int, path: str) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | _READ_DIR if os.path.isdir(path) else _READ_FILE
        call(number, ruleset, _PATH_BENEATH, ctypes.pointer(_PathBeneath(rights, parent)), 0)
    finally:
        os.close(parent)

"""The system call filter: what a decoder needs is allowed, everything else fails.

Default-deny. A call outside the list fails with EPERM, so that honest library code that probes gets an
exception and not a death; calls no decoder has a use for kill the process, so that an attempt shows.
A thread would need clone, which is not allowed: a child is one thread for life. Files cannot be opened
for writing whatever Landlock does, memory cannot be made executable, signals reach only the child itself.

Source of the ABI: Linux's Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import termios
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from treaty_sandbox.confinement.bpf import (
    INSTRUCTION_BYTES,
    Instruction,
    assemble,
    equals,
    has_bits,
    load,
    reaches,
    ret,
)
from treaty_sandbox.confinement.kernel import prctl
from treaty_sandbox.confinement.syscalls import Architecture

__all__ = ["ALLOWED", "KILLED", "install", "prepare", "program"]

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_ALLOW = 0x7FFF0000
_X32 = 0x40000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

ALLOWED: Final = (
    "read",
    "recvfrom",
    "write",
    "poll",
    "ppoll",
    "readv",
    "writev",
    "pread64",
    "close",
    "fstat",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "lseek",
    "munmap",
    "mremap",
    "brk",
    "madvise",
    "futex",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "restart_syscall",
    "exit",
    "exit_group",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    "getdents64",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getrandom",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "getrusage",
    "uname",
    "sysinfo",
    "sched_yield",
    "sched_getaffinity",
    "getcpu",
    "getrlimit",
)
"""Allowed whatever their arguments."""

KILLED: Final = (
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "pidfd_send_signal",
    "memfd_create",
    "memfd_secret",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "add_key",
    "request_key",
    "keyctl",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
)
"""Killed at the first attempt: attacks on the kernel or on other processes."""

_NOT_THERE: Final = ("clone3", "openat2")
"""Answered ENOSYS: the C library then falls back to the older call, whose arguments the filter can read."""

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def program(architecture: Architecture, pid: int) -> list[Instruction]:
    """The filter for the process `pid`, as docs/sandbox.md explains it."""
    return [*_before(architecture), *_signals(architecture, pid), *_after(architecture)]


def _before(architecture: Architecture) -> list[Instruction]:
    numbers = architecture.numbers
    found = [
        load(_ARCHITECTURE),
        equals(architecture.audit, 1, 0),
        ret(_KILL_PROCESS),
        load(_NUMBER),
    ]
    if architecture.name == "x86_64":
        found += [reaches(_X32, 0, 1), ret(_KILL_PROCESS)]
    found += _each((numbers[n] for n in ALLOWED if n in numbers), _ALLOW)
    for name, check in _checks():
        if name in numbers:
            found += _when(numbers[name], check)
    return found


def _signals(architecture: Architecture, pid: int) -> list[Instruction]:
    """Only to the process itself; its one thread has its number."""
    check = _among(0, (pid,), errno.EPERM)
    calls = (architecture.numbers[name] for name in ("kill", "tkill", "tgkill"))
    return [part for number in calls for part in _when(number, check)]


def _after(architecture: Architecture) -> list[Instruction]:
    numbers = architecture.numbers
    found = _each((numbers[n] for n in _NOT_THERE if n in numbers), _ERRNO | errno.ENOSYS)
    found += _each((numbers[n] for n in KILLED if n in numbers), _KILL_PROCESS)
    found.append(ret(_ERRNO | errno.EPERM))
    return found


def _each(numbers: Iterable[int], action: int) -> list[Instruction]:
    return [part for number in numbers for part in (equals(number, 0, 1), ret(action))]


def _when(number: int, check: list[Instruction]) -> list[Instruction]:
    return [equals(number, 0, len(check)), *check]


def _checks() -> list[tuple[str, list[Instruction]]]:
    """Calls that depend on an argument; each block ends in a return whatever the argument."""
    ioctls = (termios.TCGETS, termios.FIOCLEX, termios.FIONCLEX, termios.FIONREAD)
    fcntls = (fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL)
    return [
        ("mmap", _executable_only_from_files()),
        ("mprotect", _without(2, mmap.PROT_EXEC, errno.EPERM)),
        ("open", _without(1, _WRITING, errno.EACCES)),
        ("openat", _without(2, _WRITING, errno.EACCES)),
        ("sendto", _null(4)),
        ("prlimit64", _null(2)),
        ("fcntl", _among(1, fcntls, errno.EPERM)),
        ("ioctl", _among(1, ioctls, errno.ENOTTY)),
    ]


def _low(argument: int) -> Instruction:
    """The low word; both architectures are little-endian, and the kernel reads these arguments as 32 bits."""
    return load(_ARGUMENTS + 8 * argument)


def _among(argument: int, values: Sequence[int], error: int) -> list[Instruction]:
    return [_low(argument), *_each(values, _ALLOW), ret(_ERRNO | error)]


def _without(argument: int, bits: int, error: int) -> list[Instruction]:
    return [_low(argument), has_bits(bits, 0, 1), ret(_ERRNO | error), ret(_ALLOW)]


def _null(argument: int) -> list[Instruction]:
    """A pointer: both words must be 0."""
    high = load(_ARGUMENTS + 8 * argument + 4)
    refused = ret(_ERRNO | errno.EPERM)
    return [_low(argument), equals(0, 1, 0), refused, high, equals(0, 1, 0), refused, ret(_ALLOW)]


def _executable_only_from_files() -> list[Instruction]:
    """Shared libraries of the runtime may be mapped; anonymous memory is never executable."""
    return [
        _low(2),
        has_bits(mmap.PROT_EXEC, 1, 0),
        ret(_ALLOW),
        _low(3),
        has_bits(mmap.MAP_ANONYMOUS, 0, 1),
        ret(_ERRNO | errno.EPERM),
        ret(_ALLOW),
    ]


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@cache
def prepare(architecture: Architecture) -> tuple[bytes, bytes]:
    """The parts that are the same for every process, before and after the one that is not."""
    return assemble(_before(architecture)), assemble(_after(architecture))


def install(architecture: Architecture) -> str:
    """Installs the filter for this process; needs no_new_privs or CAP_SYS_ADMIN. Returns what was done."""
    before, after = prepare(architecture)
    code = before + assemble(_signals(architecture, os.getpid())) + after
    array = ctypes.create_string_buffer(code, len(code))
    length = len(code) // INSTRUCTION_BYTES
    prepared = _Program(length, ctypes.addressof(array))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(prepared))
    return f"default-deny, {length} instructions"

"""System calls through the C library's syscall(2), errors as OSError."""

from __future__ import annotations

import ctypes
import os

__all__ = ["call", "prctl"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def call(number: int, *arguments: int | ctypes._Pointer[ctypes.Structure] | None) -> int:
    """The call's result; raises OSError with the kernel's errno."""
    found: int = _libc.syscall(ctypes.c_long(number), *(_argument(a) for a in arguments))
    if found == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def _argument(value: int | ctypes._Pointer[ctypes.Structure] | None) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def prctl(option: int, *arguments: int) -> int:
    """prctl(2), unused arguments 0; raises OSError."""
    found: int = _libc.prctl(option, *arguments, *[0] * (4 - len(arguments)))
    if found == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found

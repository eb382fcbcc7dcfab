"""In the child: what of the interpreter's own state a package changes."""

from __future__ import annotations

import builtins
import collections
import contextlib
import copy
import dataclasses
import decimal
import enum
import functools
import io
import itertools
import json
import logging
import math
import operator
import os
import re
import signal
import struct
import sys
import threading
import typing
import warnings
from typing import Any

import treaty
import treaty.quantities

__all__ = ["Watch"]

WATCHED = tuple(
    module.__name__
    for module in (
        builtins,
        collections,
        contextlib,
        copy,
        dataclasses,
        decimal,
        enum,
        functools,
        itertools,
        json,
        logging,
        math,
        operator,
        re,
        struct,
        typing,
        treaty,
        treaty.reading,
        treaty.uplink,
        treaty.errors,
    )
)
"""Modules whose names no package may replace."""


class _Recorder(io.TextIOBase):
    """A standard stream of the child: counts what is written and keeps nothing."""

    def __init__(self) -> None:
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += 1
        return len(text)


class Watch:
    """What of the interpreter's own state a package changed."""

    def __init__(self) -> None:
        self.output, self.errors = _Recorder(), _Recorder()
        self.before: dict[str, Any] = {}

    def begin(self) -> None:
        sys.stdout, sys.stderr = self.output, self.errors
        self.before = self.state()

    @staticmethod
    def state() -> dict[str, Any]:
        context = decimal.getcontext()
        root = logging.getLogger()
        held: dict[str, Any] = {
            "the decimal context": (context.prec, context.rounding, tuple(context.traps.values())),
            "the warnings' filters": tuple(warnings.filters),
            "the root logger": (
                root.level,
                tuple(map(id, root.handlers)),
                tuple(map(id, root.filters)),
                root.disabled,
                logging.root.manager.disable,
            ),
            "the import path": (
                tuple(sys.path),
                tuple(map(id, sys.meta_path)),
                tuple(map(id, sys.path_hooks)),
            ),
            "the recursion limit": sys.getrecursionlimit(),
            "the environment": tuple(sorted(os.environ.items())),
            "the hooks": (id(sys.excepthook), id(sys.displayhook), id(sys.gettrace()), id(sys.getprofile())),
            "signal handlers": tuple(id(signal.getsignal(number)) for number in (1, 2, 11, 14, 15)),
            "the threads": threading.active_count(),
        }
        for name in WATCHED:
            held[f"the module {name}"] = {key: id(value) for key, value in vars(sys.modules[name]).items()}
        return held

    def effects(self) -> list[str]:
        streams = (("standard output", self.output), ("standard error", self.errors))
        found = [name for name, stream in streams if stream.written]
        after = self.state()
        for what, before in self.before.items():
            if not isinstance(before, dict):
                if before != after[what]:
                    found.append(what)
                continue
            for key, held in before.items():
                if after[what].get(key) != held and key != "_cache":
                    found.append(f"{what.removeprefix('the module ')}.{key}")
        return found

"""Builtins that plugin code names: which of them lead out, read the clock or write."""

from __future__ import annotations

import ast

from treaty_contracts.findings import Severity
from treaty_contracts.static.reporting import Report
from treaty_contracts.static.words import BUILTINS, CODE_BUILTINS, NAMES, is_dunder

__all__ = ["judge_builtin"]


def judge_builtin(report: Report, name: str, node: ast.Name) -> None:
    """A name that nothing in the package binds."""
    if name in CODE_BUILTINS:
        hint = "write the code itself, or a table of functions"
        report.say("X303", f"{name} makes code from data", node, hint)
    elif name in BUILTINS:
        code, why = BUILTINS[name]
        report.say(code, f"{name} {why}", node)
    elif name == "hash" and not report.in_hash:
        hint = "zlib.crc32 or hashlib do not"
        report.say("X319", "hash gives another value of a text in each process", node, hint)
    elif is_dunder(name) and name not in NAMES:
        report.say("X305", f"{name} leads to the interpreter's own objects", node)
    elif name in {"getattr", "setattr", "delattr"}:
        report.say("X306", f"{name} is handed on as a value, so its names cannot be checked", node)
    elif name == "vars":
        report.say("X304", "vars gives away an object's names", node)
    elif name == "print":
        severity, code = (Severity.WARNING, "X304") if report.functions else (Severity.ERROR, "X308")
        hint = "log with logging.getLogger(__name__)"
        report.say(code, "print writes where nobody reads", node, hint, severity)

"""A module's source as it will be compiled: UTF-8 only, nothing hidden in it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.grammar import parse

__all__ = ["Source", "hidden_characters", "read_source"]

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_INVISIBLE = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u180e]|[\U000e0000-\U000e007f]|[\u0000-\u0008\u000b\u000e-\u001f\u007f]"
)
_UTF8 = {"utf-8", "utf8", "u8", "utf", "utf-8-sig", "ascii", "us-ascii"}
MAX_SOURCE_BYTES = 1024 * 1024
MAX_DEPTH = 500
MAX_BRANCHES = 1_000
"""Of one if statement: some Pythons cannot compile two thousand."""
MAX_NODES = 100_000
"""Parts of one file's tree: a table of thirty thousand numbers still fits."""


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed file. `tree` is None where the findings say why it cannot be."""

    path: str
    text: str
    tree: ast.Module | None
    findings: tuple[Finding, ...] = ()


def _error(code: str, message: str, path: str, line: int | None = None, column: int | None = None) -> Finding:
    return Finding(code, Severity.ERROR, message, place=Place(path, line, column))


def _cookie(path: str, content: bytes) -> Finding | None:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines()[:2], 1):
        match = _COOKIE.match(line)
        if match and match[1].decode("ascii").lower().replace("_", "-") not in _UTF8:
            return _error(
                "X311",
                f"the source declares the encoding {match[1].decode()}; only UTF-8 is read",
                path,
                number,
            )
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return None


def hidden_characters(path: str, text: str) -> list[Finding]:
    """Characters that make a source read otherwise than it runs."""
    found: list[Finding] = []
    for pattern, what in (
        (_BIDI, "a bidirectional control character"),
        (_INVISIBLE, "an invisible character"),
    ):
        if (match := pattern.search(text)) is not None:
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            message = f"{what} (U+{ord(match[0]):04X}) makes the source read otherwise than it runs"
            found.append(_error("X311", message, path, line, column))
    return found


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    """Whether `child` continues the chain of `node`: one below the other, read side by side."""
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


def _depth(tree: ast.AST) -> int:
    """How deep the tree is, found without recursion; stops past MAX_DEPTH."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level and depth <= MAX_DEPTH:
        inner: list[ast.AST] = []
        while level:
            node = level.pop()
            for child in ast.iter_child_nodes(node):
                (level if _is_elif(node, child) else inner).append(child)
        level = inner
        depth += 1
    return depth


def _size(tree: ast.AST) -> tuple[int, int]:
    """How many nodes the tree has, and the branches of its longest if statement; stops past MAX_NODES."""
    waiting: list[ast.AST] = [tree]
    count = 0
    branches: dict[ast.AST, int] = {}
    while waiting and count <= MAX_NODES:
        count += 1
        node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            waiting.append(child)
            if _is_elif(node, child):
                branches[child] = branches.get(node, 0) + 1
    return count, max(branches.values(), default=0)


def read_source(path: str, content: bytes) -> Source:
    """Decode and parse one file; every reason not to is a finding."""
    if len(content) > MAX_SOURCE_BYTES:
        return Source(path, "", None, (_error("X313", f"longer than {MAX_SOURCE_BYTES} bytes", path),))
    if (cookie := _cookie(path, content)) is not None:
        return Source(path, "", None, (cookie,))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Source(path, "", None, (_error("X311", "the source is not UTF-8", path, line),))
    found = hidden_characters(path, text)
    try:
        tree = parse(text, path)
    except SyntaxError as error:
        found.append(_error("X313", f"not Python: {error.msg}", path, error.lineno, error.offset))
        return Source(path, text, None, tuple(found))
    except (ValueError, RecursionError, MemoryError):
        found.append(_error("X313", "the source is nested too deep or holds a null byte", path))
        return Source(path, text, None, tuple(found))
    nodes, branches = _size(tree)
    if nodes > MAX_NODES:
        found.append(_error("X313", f"more than {MAX_NODES} names, values and operations in one file", path))
        return Source(path, text, None, tuple(found))
    if branches > MAX_BRANCHES:
        found.append(_error("X313", f"an if statement of more than {MAX_BRANCHES} branches", path))
        return Source(path, text, None, tuple(found))
    if _depth(tree) > MAX_DEPTH:
        found.append(_error("X313", f"nested deeper than {MAX_DEPTH} levels", path))
        return Source(path, text, None, tuple(found))
    return Source(path, text, tree, tuple(found))

"""What an expression of constants comes to, without running anything."""

from __future__ import annotations

import ast
import re

__all__ = ["fold_text", "known_prefix"]

MAX_TEXT = 10_000
_MARKS = re.compile(r"%.?", re.DOTALL)
_PARTS = re.compile(r"(%[s%])")


def _constant(node: ast.expr) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_constant(item) for item in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return -value if isinstance(value, int) else None
    return fold_text(node)


def _slice(node: ast.Subscript) -> str | None:
    text = fold_text(node.value)
    if text is None:
        return None
    if isinstance(node.slice, ast.Slice):
        ends: list[int | None] = []
        for part in (node.slice.lower, node.slice.upper, node.slice.step):
            value = None if part is None else _constant(part)
            if value is not None and not isinstance(value, int):
                return None
            ends.append(value)
        return text[slice(*ends)] if ends[2] != 0 else None
    return None


def _call(node: ast.Call) -> str | None:
    arguments = [_constant(argument) for argument in node.args]
    if isinstance(node.func, ast.Name):
        if node.func.id == "chr" and len(arguments) == 1 and isinstance(arguments[0], int):
            return chr(arguments[0]) if 0 <= arguments[0] < 0x110000 else None
        if node.func.id == "str" and len(arguments) == 1 and isinstance(arguments[0], str):
            return arguments[0]
        return None
    if not isinstance(node.func, ast.Attribute):
        return None
    holder = _constant(node.func.value)
    method = node.func.attr
    if isinstance(holder, bytes) and method == "decode":
        return holder.decode("latin-1")
    if not isinstance(holder, str):
        return None
    if method == "join" and arguments and isinstance(arguments[0], list):
        parts = [part for part in arguments[0] if isinstance(part, str)]
        size = sum(map(len, parts)) + len(holder) * len(parts)
        return holder.join(parts) if len(parts) == len(arguments[0]) and size <= MAX_TEXT else None
    if method == "replace" and len(arguments) == 2 and all(isinstance(part, str) for part in arguments):
        old, new = str(arguments[0]), str(arguments[1])
        size = len(holder) + holder.count(old) * len(new)
        return holder.replace(old, new) if size <= MAX_TEXT else None
    if method in {"lower", "upper", "strip", "swapcase", "title"} and not arguments:
        return str(getattr(holder, method)())
    if method == "format" and all(isinstance(part, str) for part in arguments) and "{}" in holder:
        pieces = holder.split("{}")
        odd = len(pieces) != len(arguments) + 1 or any(mark in piece for piece in pieces for mark in "{}")
        return None if odd else _woven(pieces, [str(part) for part in arguments])
    return None


def _woven(pieces: list[str], between: list[str]) -> str | None:
    """Pieces and what stands between them, one after the other; None where that is too long."""
    if sum(map(len, pieces)) + sum(map(len, between)) > MAX_TEXT:
        return None
    return pieces[0] + "".join(part + piece for part, piece in zip(between, pieces[1:], strict=True))


def _percent(text: str, given: list[str]) -> str | None:
    """What `text % given` comes to, where every mark in it is a plain %s or %%."""
    marks = _MARKS.findall(text)
    if any(mark not in {"%s", "%%"} for mark in marks) or marks.count("%s") != len(given):
        return None
    pieces = [""]
    for part in _PARTS.split(text):
        if part == "%s":
            pieces.append("")
        else:
            pieces[-1] += "%" if part == "%%" else part
    return _woven(pieces, given)


def fold_text(node: ast.expr) -> str | None:
    """The text an expression always gives, None where that cannot be said."""
    result: str | None = None
    if isinstance(node, ast.Constant):
        result = node.value if isinstance(node.value, str) else None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = fold_text(node.left), fold_text(node.right)
        result = left + right if left is not None and right is not None else None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        text, times = fold_text(node.left), _constant(node.right)
        result = text * times if text is not None and isinstance(times, int) and 0 <= times <= 100 else None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        text, values = fold_text(node.left), _constant(node.right)
        given = values if isinstance(values, list) else [values]
        if text is not None and all(isinstance(value, str) for value in given):
            result = _percent(text, [str(value) for value in given])
    elif isinstance(node, ast.JoinedStr):
        parts = [
            fold_text(part.value) if isinstance(part, ast.FormattedValue) else fold_text(part)
            for part in node.values
        ]
        result = "".join(part for part in parts if part is not None) if None not in parts else None
    elif isinstance(node, ast.Subscript):
        result = _slice(node)
    elif isinstance(node, ast.Call):
        result = _call(node)
    return result if result is None or len(result) <= MAX_TEXT else None


def known_prefix(node: ast.expr) -> str:
    """The text every value of the expression begins with."""
    if (text := fold_text(node)) is not None:
        return text
    if isinstance(node, ast.JoinedStr):
        prefix = ""
        for part in node.values:
            folded = fold_text(part.value) if isinstance(part, ast.FormattedValue) else fold_text(part)
            if folded is None:
                return prefix
            prefix += folded
        return prefix
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return known_prefix(node.left)
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and (text := fold_text(node.left)) is not None
    ):
        return text.split("%", 1)[0]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and (text := fold_text(node.func.value)) is not None
    ):
        return text.split("{", 1)[0]
    return ""

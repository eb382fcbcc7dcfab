"""What of an annotation runs: when it is defined, and as text when somebody asks for the types."""

from __future__ import annotations

import ast

__all__ = ["parts_that_run"]


def _in_text(node: ast.Constant, text: str) -> ast.expr | None:
    """The expression a text holds, standing where the text does; None where it is none."""
    try:
        inner = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None
    for part in ast.walk(inner):
        ast.copy_location(part, node)
    return inner


def parts_that_run(annotation: ast.expr | None) -> list[ast.expr]:
    """The expressions in an annotation that are to be judged as code, in their order."""
    found: list[ast.expr] = []
    waiting: list[tuple[ast.expr | None, bool]] = [(annotation, True)]
    while waiting:
        node, is_type = waiting.pop()
        inner: list[tuple[ast.expr | None, bool]] = []
        if node is None:
            continue
        if not is_type:
            found.append(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            inner = [(_in_text(node, node.value), True)]
        elif isinstance(node, ast.Subscript):
            name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            types = parts[:1] if name == "Annotated" else [] if name == "Literal" else parts
            inner = [(node.value, True), *((part, True) for part in types)]
            inner += [(part, False) for part in (parts[1:] if name == "Annotated" else [])]
        elif isinstance(node, ast.List | ast.Tuple):
            inner = [(part, True) for part in node.elts]
        elif isinstance(node, ast.BinOp):
            inner = [(node.left, True), (node.right, True)]
        else:
            found.append(node)
        waiting += reversed(inner)
    return found

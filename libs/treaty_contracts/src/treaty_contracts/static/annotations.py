"""What of an annotation runs: when it is defined, and as text when somebody asks for the types."""

from __future__ import annotations

import ast

from treaty_contracts.signatures.types import MAX_TYPE_TEXT, parse_expression
from treaty_contracts.static.reporting import Report

__all__ = ["judge_annotation"]


def _in_text(report: Report, node: ast.Constant, text: str) -> ast.expr | None:
    """The expression a text holds, standing where the text does; None where it is none."""
    if len(text) > MAX_TYPE_TEXT:
        report.say("X313", f"a type of more than {MAX_TYPE_TEXT} characters", node)
        return None
    inner = parse_expression(text)
    for part in ast.walk(inner) if inner is not None else ():
        ast.copy_location(part, node)
    return inner


def judge_annotation(report: Report, annotation: ast.expr | None) -> None:
    """Walks the expressions in an annotation that are code, in their order."""
    waiting: list[tuple[ast.expr | None, bool]] = [(annotation, True)]
    while waiting:
        node, is_type = waiting.pop()
        inner: list[tuple[ast.expr | None, bool]] = []
        if node is None:
            continue
        if not is_type:
            report.visit(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            inner = [(_in_text(report, node, node.value), True)]
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
            report.visit(node)
        waiting += reversed(inner)

"""Attributes by which plugin code could reach the interpreter's own objects, or change another's."""

from __future__ import annotations

import ast

from treaty_contracts.static.folding import fold_text
from treaty_contracts.static.naming import Names
from treaty_contracts.static.permission import UNMISTAKABLE
from treaty_contracts.static.reporting import Report
from treaty_contracts.static.words import CLASSES, DUNDERS, OF_LOGGERS, REACHING, UNSETTABLE, is_dunder

__all__ = ["judge_attribute", "judge_logger", "judge_match_names", "judge_namespace", "judge_pattern"]


def _defines(kind: ast.ClassDef, name: str) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == name for part in kind.body)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _own_names(names: Names, node: ast.AST) -> bool:
    """Whether `node` reads the names of self, of cls or of a class of the package."""
    if not isinstance(node, ast.Attribute):
        return False
    held = node.value
    if isinstance(held, ast.Call) and isinstance(held.func, ast.Name) and held.func.id == "type":
        return len(held.args) == 1 and _is_self(held.args[0])
    return _is_self(held) or names.is_own_class(held)


def judge_attribute(report: Report, name: str, node: ast.AST, loaded: bool = True) -> None:
    """An attribute of an object nothing is known of."""
    if name in REACHING | CLASSES or (is_dunder(name) and name not in DUNDERS | UNSETTABLE):
        report.say("X305", f"the attribute {name} leads to the interpreter's own objects", node)
    elif name == "__dict__" and loaded and not _own_names(report.names, node):
        report.say("X305", "the attribute __dict__ of what is not the package's own", node)
    elif name == "__get__" and loaded and not any(_defines(kind, name) for kind in report.classes):
        report.say("X305", "the attribute __get__ binds what it is told", node)
    elif name == "__match_args__" and not loaded:
        report.say("X309", "the attribute __match_args__ is replaced", node)
    elif name in UNSETTABLE and (not loaded or name not in DUNDERS):
        what = "is replaced" if not loaded else "leads to the interpreter's own objects"
        report.say("X305" if loaded else "X309", f"the attribute {name} {what}", node)
    elif name in UNMISTAKABLE and not (isinstance(node, ast.Attribute) and _is_self(node.value)):
        report.say("X305", f"the attribute {name} leads to a module that is not allowed", node)


def judge_logger(report: Report, node: ast.Attribute) -> None:
    """Another's logger is not the plugin's to change."""
    held = node.value
    if node.attr not in OF_LOGGERS or not isinstance(held, ast.Call) or not report.names.is_logger(held):
        return
    name = held.args[0] if held.args else None
    if not (isinstance(name, ast.Name) and name.id == "__name__"):
        report.say("X309", "another's logger is changed", node, "use logging.getLogger(__name__)")


def judge_match_names(report: Report, target: ast.expr, value: ast.expr | None) -> None:
    """__match_args__ names attributes that a pattern reads."""
    if not isinstance(target, ast.Name) or target.id != "__match_args__":
        return
    texts = [fold_text(part) for part in value.elts] if isinstance(value, ast.Tuple) else [None]
    for text in texts:
        if text is None:
            report.say("X306", "__match_args__ is only known when it runs", target)
        else:
            judge_attribute(report, text, target)


def judge_namespace(report: Report, given: ast.expr, node: ast.Call) -> None:
    """The names of a class that a call makes."""
    keys = given.keys if isinstance(given, ast.Dict) else [None]
    texts = [fold_text(key) if key is not None else None for key in keys]
    if None in texts or "__match_args__" in texts:
        report.say("X306", "type makes a class with names that are only known when it runs", node)


def judge_pattern(report: Report, node: ast.MatchClass) -> None:
    """The attributes a pattern reads, by name or by position."""
    names = report.names
    for name in node.kwd_attrs:
        judge_attribute(report, name, node)
    builtin = isinstance(node.cls, ast.Name) and names.is_builtin(node.cls.id)
    known = builtin or names.paths(node.cls) or names.is_own_class(node.cls)
    if node.patterns and not known:
        report.say("X306", "a pattern by position of a class that is only known when it runs", node)

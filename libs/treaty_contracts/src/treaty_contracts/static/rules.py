"""Walk one module's code and refuse every way out of what plugin code may use."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.annotations import judge_annotation
from treaty_contracts.static.builtin_names import judge_builtin
from treaty_contracts.static.calls import (
    judge_by_name,
    judge_call,
    judge_environment_name,
    judge_import_effect,
)
from treaty_contracts.static.folding import fold_text
from treaty_contracts.static.imports import ImportUse, read_imports
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.naming import Names
from treaty_contracts.static.permission import Permission
from treaty_contracts.static.reach import (
    judge_attribute,
    judge_logger,
    judge_match_names,
    judge_namespace,
    judge_pattern,
)
from treaty_contracts.static.words import ENDINGS, HIDDEN, HIDDEN_INSIDE

__all__ = ["Walk", "walk"]


_CALLED_ONLY = {
    "operator.attrgetter": ("X306", "its names cannot be checked"),
    "operator.methodcaller": ("X306", "its names cannot be checked"),
    "time.gmtime": ("X319", "it may read the clock"),
    "time.strftime": ("X319", "it may read the clock"),
}
"""What must be called where it is named: the finding's code and why."""


@dataclass(slots=True)
class Walk:
    imports: list[ImportUse] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _Walker(ast.NodeVisitor):
    def __init__(self, names: Names) -> None:
        self.names = names
        self.module = names.module
        self.package = names.package
        self.permission = names.permission
        self.out = Walk()
        self.functions = 0
        self.in_hash = 0
        self.callee: ast.expr | None = None
        self.classes: list[ast.ClassDef] = []
        self.values_used: set[str] = set()
        self.harmless: set[str] = set()

    def say(
        self,
        code: str,
        message: str,
        node: ast.AST,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        place = Place(self.module.path, getattr(node, "lineno", None), getattr(node, "col_offset", -1) + 1)
        self.out.findings.append(Finding(code, severity, message, place=place, hint=hint))

    def uses(self, module: str) -> bool:
        return any(path == module or path.startswith(module + ".") for path in self.values_used)

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            if node.id in HIDDEN or node.id == "__path__":
                self.say("X305", f"{node.id} is set", node)
            return
        if paths := self.names.paths(node):
            self.used(paths, node)
        elif self.names.is_builtin(node.id):
            judge_builtin(self, node.id, node)

    def used(self, paths: set[str], node: ast.expr) -> None:
        """Paths used as a value."""
        for path in sorted(paths):
            if path.startswith("."):
                continue
            self.values_used.add(path)
            if path in _CALLED_ONLY and node is not self.callee:
                code, why = _CALLED_ONLY[path]
                self.say(code, f"{path} is handed on as a value, so {why}", node)
            refusal = self.permission.refusal(path)
            if refusal is not None:
                self.say(refusal.code, refusal.message, node, refusal.hint)
            elif self.permission.is_module(path):
                self.say(
                    "X307", f"the module {path} is handed on as a value", node, "hand on the function itself"
                )

    def visit_Attribute(self, node: ast.Attribute) -> None:
        judge_logger(self, node)
        paths = self.names.paths(node)
        outside = {path for path in paths if not path.startswith(".")}
        stored = not isinstance(node.ctx, ast.Load)
        if outside:
            self.used(outside, node)
            if stored:
                self.say("X309", f"{sorted(outside)[0]} belongs to another module and is changed", node)
            return
        if paths and stored:
            name, rest = self.package.split(sorted(paths)[0][1:])
            if len(rest) == 1 and name != self.module.name:
                self.say("X309", f"{'.'.join([name, *rest])} of another module is rebound", node)
        if stored:
            for value in self.names.assigned(node.value) or []:
                if any(not path.startswith(".") for path in self.names.paths(value)):
                    self.say("X309", f"{ast.unparse(value)} belongs to another module and is changed", node)
        judge_attribute(self, node.attr, node, loaded=not stored)
        if not paths:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            judge_match_names(self, target, node.value)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        paths = self.names.paths(node.value)
        if "os.environ" in paths:
            judge_environment_name(self, node.slice, node)
        if not isinstance(node.ctx, ast.Load):
            for path in sorted(path for path in paths if not path.startswith(".")):
                self.say("X309", f"{path} belongs to another module and is changed", node)
        self.folded(node)
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        judge_pattern(self, node)
        self.generic_visit(node)

    # Texts

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.text(node.value, node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.folded(node)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.folded(node)
        self.generic_visit(node)

    def folded(self, node: ast.expr) -> None:
        if (text := fold_text(node)) is not None:
            self.text(text, node)

    def text(self, text: str, node: ast.AST) -> None:
        if text in self.harmless:
            return
        spelt = sorted({text} & HIDDEN | set(HIDDEN_INSIDE.findall(text)))
        if spelt:
            self.say("X305", f"the text {spelt[0]} names the interpreter's own objects", node)
        else:
            self.harmless.add(text)

    # Calls and statements

    def visit_Call(self, node: ast.Call) -> None:
        name = (
            node.func.id if isinstance(node.func, ast.Name) and self.names.is_builtin(node.func.id) else None
        )
        if name in {"getattr", "setattr", "delattr", "hasattr"}:
            self.visit_all(node.args if judge_by_name(self, name, node) else node.args[2:])
        elif name == "vars" and node.args:
            self.visit_all(node.args)
        else:
            judge_call(self, node)
            self.folded(node)
            if name == "type" and len(node.args) > 2:
                judge_namespace(self, node.args[2], node)
            self.callee = node.func
            self.visit(node.func)
            self.visit_all([*node.args, *(keyword.value for keyword in node.keywords)])

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if not self.functions and isinstance(node.value, ast.Call):
            judge_import_effect(self, node.value)
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(kind, ast.Name) and kind.id in ENDINGS and self.names.is_builtin(kind.id):
            self.say("X320", f"{kind.id} ends the process that decodes", node, "raise treaty.DecodeError")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        judge_match_names(self, node.target, node.value)
        self.visit(node.target)
        judge_annotation(self, node.annotation)
        self.visit_all([node.value])

    # Scopes

    def enter(self, node: ast.AST, children: Iterable[ast.AST]) -> None:
        outer, self.names.scope = self.names.scope, self.module.scopes[node]
        self.visit_all(children)
        self.names.scope = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name in HIDDEN:
            self.say("X305", f"{node.name} is defined", node)
        given = node.args
        self.visit_all([*node.decorator_list, *given.defaults, *given.kw_defaults])
        for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            judge_annotation(self, argument.annotation if argument is not None else None)
        judge_annotation(self, node.returns)
        self.functions += 1
        self.in_hash += node.name == "__hash__"
        self.enter(node, node.body)
        self.in_hash -= node.name == "__hash__"
        self.functions -= 1

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])
        self.functions += 1
        self.enter(node, [node.body])
        self.functions -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        self.classes.append(node)
        self.enter(node, node.body)
        self.classes.pop()

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        before = dict(self.names.constants)
        self.names.constants |= self.names.loop_constants(node.target, node.iter)
        self.generic_visit(node)
        self.names.constants = before

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        before = dict(self.names.constants)
        for generator in node.generators:
            self.names.constants |= self.names.loop_constants(generator.target, generator.iter)
        self.enter(node, ast.iter_child_nodes(node))
        self.names.constants = before

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.comprehension(node)


def walk(module: Module, package: Package, permission: Permission) -> Walk:
    """Every import and every finding of one module."""
    walker = _Walker(Names(module, package, permission))
    walker.visit_all(module.tree.body)
    walker.out.imports, imported = read_imports(module, package, permission)
    granted = "os" in permission.safe or "os" in permission.allowed
    for use in walker.out.imports:
        if use.path == "os" and not granted and not walker.uses("os.path"):
            place = Place(module.path, use.line, use.column)
            message = "the import of os is not allowed, os.path alone is"
            walker.out.findings.append(Finding("X301", Severity.ERROR, message, place=place))
    walker.out.findings = [*module.source.findings, *imported, *walker.out.findings]
    return walker.out

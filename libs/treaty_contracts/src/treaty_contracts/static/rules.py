"""Walk one module's code and refuse every way out of what plugin code may use."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.calls import (
    judge_by_name,
    judge_call,
    judge_environment_name,
    judge_import_effect,
)
from treaty_contracts.static.folding import fold_text
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.naming import Names
from treaty_contracts.static.permission import UNMISTAKABLE, Permission
from treaty_contracts.static.scopes import absolute, join
from treaty_contracts.static.words import (
    BUILTINS,
    CLASSES,
    CODE_BUILTINS,
    DUNDERS,
    ENDINGS,
    HIDDEN,
    HIDDEN_INSIDE,
    NAMES,
    OF_LOGGERS,
    REACHING,
    UNSETTABLE,
)

__all__ = ["ImportUse", "Walk", "walk"]


_CALLED_ONLY = {
    "operator.attrgetter": ("X306", "its names cannot be checked"),
    "operator.methodcaller": ("X306", "its names cannot be checked"),
    "time.gmtime": ("X319", "it may read the clock"),
    "time.strftime": ("X319", "it may read the clock"),
}
"""What must be called where it is named: the finding's code and why."""


@dataclass(frozen=True, slots=True)
class ImportUse:
    """An import statement's target: `path` begins with a dot for the package's own."""

    path: str
    line: int
    column: int
    guarded: bool


@dataclass(slots=True)
class Walk:
    imports: list[ImportUse] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class _Walker(ast.NodeVisitor):
    def __init__(self, names: Names) -> None:
        self.names = names
        self.module = names.module
        self.package = names.package
        self.permission = names.permission
        self.out = Walk()
        self.functions = 0
        self.guards = 0
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

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = "." + alias.name if self.package.is_own(alias.name) else alias.name
            self.imported(path, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = absolute(node, self.module.package)
        if not base.startswith(".") and self.package.is_own(base):
            base = "." + base
        for alias in node.names:
            if alias.name != "*":
                self.imported(join(base, alias.name), node)
                continue
            self.imported(base, node)
            if not base.startswith(".") and base not in self.permission.safe:
                self.say("X315", f"everything of {base} is imported at once", node)

    def imported(self, path: str, node: ast.stmt) -> None:
        self.out.imports.append(ImportUse(path, node.lineno, node.col_offset + 1, self.guards > 0))

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        catches = any(_catches_import_error(handler) for handler in node.handlers)
        self.guards += catches
        self.visit_all(node.body)
        self.guards -= catches
        self.visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self.visit_Try(node)

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            if node.id in HIDDEN or node.id == "__path__":
                self.say("X305", f"{node.id} is set", node)
            return
        if paths := self.names.paths(node):
            self.used(paths, node)
        elif self.names.is_builtin(node.id):
            self.builtin(node.id, node)

    def builtin(self, name: str, node: ast.Name) -> None:
        if name in CODE_BUILTINS:
            self.say(
                "X303", f"{name} makes code from data", node, "write the code itself, or a table of functions"
            )
        elif name in BUILTINS:
            code, why = BUILTINS[name]
            self.say(code, f"{name} {why}", node)
        elif name == "hash" and not self.in_hash:
            hint = "zlib.crc32 or hashlib do not"
            self.say("X319", "hash gives another value of a text in each process", node, hint)
        elif _is_dunder(name) and name not in NAMES:
            self.say("X305", f"{name} leads to the interpreter's own objects", node)
        elif name in {"getattr", "setattr", "delattr"}:
            self.say("X306", f"{name} is handed on as a value, so its names cannot be checked", node)
        elif name == "vars":
            self.say("X304", "vars gives away an object's names", node)
        elif name == "print":
            severity, code = (Severity.WARNING, "X304") if self.functions else (Severity.ERROR, "X308")
            hint = "log with logging.getLogger(__name__)"
            self.say(code, "print writes where nobody reads", node, hint, severity)

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
        self.logger(node)
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
        self.attribute(node.attr, node, loaded=not stored)
        if not paths:
            self.visit(node.value)

    def logger(self, node: ast.Attribute) -> None:
        """Another's logger is not the plugin's to change."""
        held = node.value
        if node.attr not in OF_LOGGERS or not isinstance(held, ast.Call) or not self.names.is_logger(held):
            return
        name = held.args[0] if held.args else None
        if not (isinstance(name, ast.Name) and name.id == "__name__"):
            self.say("X309", "another's logger is changed", node, "use logging.getLogger(__name__)")

    def attribute(self, name: str, node: ast.AST, loaded: bool = True) -> None:
        """An attribute of an object nothing is known of."""
        if name in REACHING | CLASSES or (_is_dunder(name) and name not in DUNDERS | UNSETTABLE):
            self.say("X305", f"the attribute {name} leads to the interpreter's own objects", node)
        elif name == "__dict__" and loaded and not self.own_names(node):
            self.say("X305", "the attribute __dict__ of what is not the package's own", node)
        elif name == "__get__" and loaded and not any(_defines(kind, name) for kind in self.classes):
            self.say("X305", "the attribute __get__ binds what it is told", node)
        elif name == "__match_args__" and not loaded:
            self.say("X309", "the attribute __match_args__ is replaced", node)
        elif name in UNSETTABLE and (not loaded or name not in DUNDERS):
            what = "is replaced" if not loaded else "leads to the interpreter's own objects"
            self.say("X305" if loaded else "X309", f"the attribute {name} {what}", node)
        elif name in UNMISTAKABLE and not (isinstance(node, ast.Attribute) and _is_self(node.value)):
            self.say("X305", f"the attribute {name} leads to a module that is not allowed", node)

    def own_names(self, node: ast.AST) -> bool:
        """Whether `node` reads the names of self, of cls or of a class of the package."""
        if not isinstance(node, ast.Attribute):
            return False
        held = node.value
        if isinstance(held, ast.Call) and isinstance(held.func, ast.Name) and held.func.id == "type":
            return len(held.args) == 1 and _is_self(held.args[0])
        return _is_self(held) or self.names.is_own_class(held)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self.match_names(target, node.value)
        self.generic_visit(node)

    def match_names(self, target: ast.expr, value: ast.expr | None) -> None:
        """__match_args__ names attributes that a pattern reads."""
        if not isinstance(target, ast.Name) or target.id != "__match_args__":
            return
        texts = [fold_text(part) for part in value.elts] if isinstance(value, ast.Tuple) else [None]
        for text in texts:
            if text is None:
                self.say("X306", "__match_args__ is only known when it runs", target)
            else:
                self.attribute(text, target)

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
        for name in node.kwd_attrs:
            self.attribute(name, node)
        builtin = isinstance(node.cls, ast.Name) and self.names.is_builtin(node.cls.id)
        known = builtin or self.names.paths(node.cls) or self.names.is_own_class(node.cls)
        if node.patterns and not known:
            self.say("X306", "a pattern by position of a class that is only known when it runs", node)
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
                self.namespace(node.args[2], node)
            self.callee = node.func
            self.visit(node.func)
            self.visit_all([*node.args, *(keyword.value for keyword in node.keywords)])

    def namespace(self, given: ast.expr, node: ast.Call) -> None:
        """The names of a class that a call makes."""
        keys = given.keys if isinstance(given, ast.Dict) else [None]
        texts = [fold_text(key) if key is not None else None for key in keys]
        if None in texts or "__match_args__" in texts:
            self.say("X306", "type makes a class with names that are only known when it runs", node)

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
        self.match_names(node.target, node.value)
        self.visit(node.target)
        self.annotation(node.annotation)
        self.visit_all([node.value])

    def annotation(self, node: ast.expr | None) -> None:
        """Annotations run when they are defined, and texts in them when somebody asks for the types."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError):
                return
            for part in ast.walk(inner):
                ast.copy_location(part, node)
            self.annotation(inner)
        elif isinstance(node, ast.Subscript):
            self.annotation(node.value)
            name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for part in parts[:1] if name == "Annotated" else [] if name == "Literal" else parts:
                self.annotation(part)
            self.visit_all(parts[1:] if name == "Annotated" else [])
        elif isinstance(node, ast.List | ast.Tuple):
            for part in node.elts:
                self.annotation(part)
        elif isinstance(node, ast.BinOp):
            self.annotation(node.left)
            self.annotation(node.right)
        elif node is not None:
            self.visit(node)

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
            self.annotation(argument.annotation if argument is not None else None)
        self.annotation(node.returns)
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


def _defines(kind: ast.ClassDef, name: str) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == name for part in kind.body)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(
        isinstance(kind, ast.Name) and kind.id in {"ImportError", "ModuleNotFoundError"} for kind in kinds
    )


def walk(module: Module, package: Package, permission: Permission) -> Walk:
    """Every import and every finding of one module."""
    walker = _Walker(Names(module, package, permission))
    walker.visit_all(module.tree.body)
    granted = "os" in permission.safe or "os" in permission.allowed
    for use in walker.out.imports:
        if use.path == "os" and not granted and not walker.uses("os.path"):
            place = Place(module.path, use.line, use.column)
            message = "the import of os is not allowed, os.path alone is"
            walker.out.findings.append(Finding("X301", Severity.ERROR, message, place=place))
    walker.out.findings = [*module.source.findings, *walker.out.findings]
    return walker.out

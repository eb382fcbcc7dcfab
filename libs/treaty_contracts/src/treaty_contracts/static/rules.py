"""Walk one module's code and refuse every way out of what plugin code may use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.folding import fold_text, known_prefix
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.permission import DANGEROUS, Permission
from treaty_contracts.static.scopes import Scope, absolute, join

__all__ = ["ImportUse", "Walk", "walk"]

_CODE_BUILTINS = {"exec", "eval", "compile"}
_BUILTINS = {
    "__import__": ("X302", "imports whatever it is told"),
    "open": ("X304", "opens files"),
    "input": ("X304", "reads from the terminal"),
    "breakpoint": ("X304", "starts a debugger"),
    "globals": ("X304", "gives away the module's names, and the builtins with them"),
    "locals": ("X304", "gives away a scope's names"),
    "exit": ("X304", "ends the process"),
    "quit": ("X304", "ends the process"),
    "help": ("X304", "starts a pager"),
    "id": ("X319", "gives another value in each process"),
}
_NAMES = {"__name__", "__doc__", "__file__", "__package__", "__debug__", "__class__", "__annotations__", "__qualname__",
          "__module__", "__all__", "__version__", "__author__"}  # fmt: skip
_ENDINGS = {"SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"}
_FRAMES = frozenset(
    [
        "gi_frame",
        "gi_code",
        "gi_yieldfrom",
        "cr_frame",
        "cr_code",
        "cr_await",
        "ag_frame",
        "ag_code",
        "f_globals",
        "f_builtins",
        "f_locals",
        "f_back",
        "f_code",
        "tb_frame",
        "tb_next",
        "func_globals",
        "func_code",
        "co_code",
        "co_consts",
    ]
)
_DUNDERS = frozenset(
    [
        "__name__",
        "__qualname__",
        "__doc__",
        "__module__",
        "__init__",
        "__new__",
        "__class__",
        "__dict__",
        "__annotations__",
        "__version__",
        "__members__",
        "__post_init__",
        "__enter__",
        "__exit__",
        "__str__",
        "__repr__",
        "__eq__",
        "__ne__",
        "__hash__",
        "__len__",
        "__iter__",
        "__next__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__contains__",
        "__call__",
        "__add__",
        "__radd__",
        "__iadd__",
        "__sub__",
        "__rsub__",
        "__mul__",
        "__rmul__",
        "__or__",
        "__ror__",
        "__and__",
        "__rand__",
        "__xor__",
        "__rxor__",
        "__invert__",
        "__neg__",
        "__pos__",
        "__abs__",
        "__truediv__",
        "__floordiv__",
        "__mod__",
        "__pow__",
        "__lshift__",
        "__rshift__",
        "__init_subclass__",
        "__set_name__",
        "__get__",
        "__set__",
        "__delete__",
        "__slots__",
        "__dataclass_fields__",
        "__wrapped__",
        "__origin__",
        "__args__",
        "__match_args__",
        "__setattr__",
        "__format__",
        "__bool__",
        "__int__",
        "__float__",
        "__index__",
        "__bytes__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__cause__",
        "__context__",
        "__notes__",
        "__missing__",
        "__class_getitem__",
        "__copy__",
        "__deepcopy__",
        "__sizeof__",
        "__reversed__",
        "__round__",
        "__trunc__",
        "__floor__",
        "__ceil__",
        "__optional_keys__",
        "__required_keys__",
        "__total__",
        "__supertype__",
        "__value__",
        "__all__",
        "__file__",
        "__author__",
        "__suppress_context__",
        "__traceback__",
        "__metadata__",
        "__fspath__",
        "__del__",
        "__length_hint__",
        "__getattr__",
        "__delattr__",
        "__divmod__",
        "__matmul__",
        "__isub__",
        "__imul__",
        "__ior__",
        "__iand__",
        "__ixor__",
        "__instancecheck__",
        "__subclasscheck__",
        "__prepare__",
        "__abstractmethods__",
        "__orig_bases__",
        "__orig_class__",
        "__parameters__",
        "__bound__",
        "__constraints__",
    ]
)
_UNSETTABLE = frozenset(
    ["__class__", "__dict__", "__bases__", "__wrapped__", "__signature__", "__call__", "__new__", "__init__"]
)
_HIDDEN = (
    frozenset(
        [
            "__globals__",
            "__builtins__",
            "__subclasses__",
            "__import__",
            "__code__",
            "__closure__",
            "__loader__",
            "__spec__",
            "__mro__",
            "__bases__",
            "__base__",
            "__getattribute__",
            "__reduce__",
            "__reduce_ex__",
            "__func__",
            "__self__",
            "__kwdefaults__",
            "__defaults__",
            "__signature__",
        ]
    )
    | _FRAMES
)
_LOGGING = {"debug", "info", "warning", "error", "critical", "exception", "log", "warn", "fatal"}


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


class _Walker(ast.NodeVisitor):
    def __init__(self, module: Module, package: Package, permission: Permission) -> None:
        self.module = module
        self.package = package
        self.permission = permission
        self.scope: Scope = module.top
        self.out = Walk()
        self.functions = 0
        self.guards = 0
        self.in_hash = 0
        self.constants: dict[str, list[str]] = {}

    # What is said

    def say(self, code: str, message: str, node: ast.AST, hint: str | None = None,
            severity: Severity = Severity.ERROR) -> None:  # fmt: skip
        place = Place(self.module.path, getattr(node, "lineno", None), getattr(node, "col_offset", -1) + 1)
        self.out.findings.append(Finding(code, severity, message, place=place, hint=hint))

    # What names mean

    def paths(self, node: ast.expr) -> set[str]:
        """What a chain of names leads to by imports; empty for anything else."""
        if isinstance(node, ast.Name):
            home = self.scope.home(node.id)
            if home is None:
                return {
                    target for star in self.module.top.stars
                    for target in self.package.canonical(join(star, node.id)) if self.exported(star, node.id)
                }  # fmt: skip
            return {
                target for path in home.imports.get(node.id, ()) for target in self.package.canonical(path)
            }
        if isinstance(node, ast.Attribute):
            return {
                target
                for base in self.paths(node.value)
                for target in self.package.canonical(f"{base}.{node.attr}")
            }
        return set()

    def exported(self, star: str, name: str) -> bool:
        if star.startswith(".") or self.package.is_own(star):
            inner, rest = self.package.split(star.removeprefix("."))
            module = self.package.module(inner)
            return (
                not rest and module is not None and (name in module.top.imports or name in module.top.others)
            )
        return name in self.permission.safe.get(star, ())

    def is_builtin(self, name: str) -> bool:
        return self.scope.home(name) is None and not any(
            self.exported(star, name) for star in self.module.top.stars
        )

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
        catches = any(self.catches_import_error(handler) for handler in node.handlers)
        self.guards += catches
        for statement in node.body:
            self.visit(statement)
        self.guards -= catches
        if not (catches and self.always_imports(node.body)):
            for handler in node.handlers:
                self.visit(handler)
        for statement in (*node.orelse, *node.finalbody):
            self.visit(statement)

    visit_TryStar = visit_Try

    def catches_import_error(self, handler: ast.ExceptHandler) -> bool:
        if handler.type is None:
            return False
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return all(
            isinstance(kind, ast.Name) and kind.id in {"ImportError", "ModuleNotFoundError"} for kind in kinds
        )

    def always_imports(self, body: list[ast.stmt]) -> bool:
        """Whether the statements are imports that never fail, so that their fallback never runs."""
        for statement in body:
            if isinstance(statement, ast.Import):
                paths = [alias.name for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom) and statement.level == 0:
                paths = [f"{statement.module}.{alias.name}" for alias in statement.names]
            else:
                return False
            for path in paths:
                module, rest = self.permission._split(path)
                if module is None or (rest and rest[0] not in self.permission.safe[module]):
                    return False
        return True

    # Names

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            if node.id in {
                "__builtins__",
                "__loader__",
                "__spec__",
                "__path__",
                "__import__",
                "__build_class__",
            }:
                self.say("X305", f"{node.id} is set", node)
            return
        paths = self.paths(node)
        if paths:
            self.used(paths, node)
            return
        if not self.is_builtin(node.id):
            return
        if node.id in _CODE_BUILTINS:
            self.say(
                "X303",
                f"{node.id} makes code from data",
                node,
                "write the code itself, or a table of functions",
            )
        elif node.id in _BUILTINS:
            code, why = _BUILTINS[node.id]
            self.say(code, f"{node.id} {why}", node)
        elif node.id == "hash" and not self.in_hash:
            self.say(
                "X319",
                "hash gives another value of a text in each process",
                node,
                "zlib.crc32 or hashlib do not",
            )
        elif node.id.startswith("__") and node.id.endswith("__") and node.id not in _NAMES:
            self.say("X305", f"{node.id} leads to the interpreter's own objects", node)
        elif node.id in {"getattr", "setattr", "delattr"}:
            self.say("X306", f"{node.id} is handed on as a value, so its names cannot be checked", node)
        elif node.id == "vars":
            self.say("X304", "vars gives away an object's names", node)
        elif node.id == "print":
            severity = Severity.WARNING if self.functions else Severity.ERROR
            code = "X304" if self.functions else "X308"
            self.say(
                code,
                "print writes where nobody reads",
                node,
                "log with logging.getLogger(__name__)",
                severity,
            )

    def used(self, paths: set[str], node: ast.expr) -> None:
        """A path used as a value."""
        for path in sorted(paths):
            if path.startswith("."):
                continue
            refusal = self.permission.refusal(path)
            if refusal is not None:
                self.say(refusal.code, refusal.message, node, refusal.hint)
            elif self.permission.is_module(path):
                self.say(
                    "X307", f"the module {path} is handed on as a value", node, "hand on the function itself"
                )

    def visit_Attribute(self, node: ast.Attribute) -> None:
        paths = self.paths(node)
        if paths and not all(path.startswith(".") for path in paths):
            self.used({path for path in paths if not path.startswith(".")}, node)
            if not isinstance(node.ctx, ast.Load):
                self.mutates(sorted(paths)[0], node)
            return
        if paths and not isinstance(node.ctx, ast.Load):
            name, rest = self.package.split(sorted(paths)[0][1:])
            if len(rest) == 1 and name != self.module.name:
                self.say("X309", f"{'.'.join([name, *rest])} of another module is rebound", node)
        self.attribute(node.attr, node, loaded=isinstance(node.ctx, ast.Load))
        self.visit(node.value) if not paths else None

    def attribute(self, name: str, node: ast.AST, loaded: bool = True) -> None:
        """An attribute of an object nothing is known of."""
        if name in _FRAMES or (name.startswith("__") and name.endswith("__") and name not in _DUNDERS):
            self.say("X305", f"the attribute {name} leads to the interpreter's own objects", node)
        elif not loaded and name in _UNSETTABLE:
            self.say("X309", f"the attribute {name} is replaced", node)
        elif name in DANGEROUS and not (isinstance(node, ast.Attribute) and self.is_self(node.value)):
            self.say("X305", f"the attribute {name} leads to a module that is not allowed", node)

    @staticmethod
    def is_self(node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in {"self", "cls"}

    def mutates(self, path: str, node: ast.AST) -> None:
        self.say("X309", f"{path} belongs to another module and is changed", node)

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) and self.is_builtin(node.func.id) else None
        if name in {"getattr", "setattr", "delattr", "hasattr"}:
            self.by_name(name, node)
        elif name == "vars" and node.args:
            self.visit_all(node.args)
        else:
            self.path_call(node)
            self.visit(node.func)
            self.visit_all([*node.args, *(keyword.value for keyword in node.keywords)])

    def visit_all(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            self.visit(node)

    def by_name(self, name: str, node: ast.Call) -> None:
        if len(node.args) < 2 or any(isinstance(argument, ast.Starred) for argument in node.args):
            self.say("X306", f"{name} with arguments that cannot be read", node)
            self.visit_all(node.args)
            return
        target, attribute = node.args[:2]
        names = self.texts(attribute)
        paths = self.paths(target)
        if names is None:
            prefix = known_prefix(attribute)
            safe_prefix = prefix and not prefix.startswith("_") and not any(
                word.startswith(prefix) for word in (*_FRAMES, *DANGEROUS)
            )  # fmt: skip
            if name != "hasattr" and not (safe_prefix and not paths):
                self.say("X306", f"{name} with a name that is only known when it runs", node,
                         "use a table from names to functions")  # fmt: skip
            self.visit_all(node.args)
            return
        for text in names:
            if paths:
                found = {path for base in paths for path in self.package.canonical(f"{base}.{text}")}
                self.used({path for path in found if not path.startswith(".")}, node)
                if name in {"setattr", "delattr"}:
                    self.mutates(f"{sorted(paths)[0]}.{text}", node)
            else:
                self.attribute(text, node, loaded=name in {"getattr", "hasattr"})
        if not paths:
            self.visit(target)
        self.visit_all(node.args[2:])

    def texts(self, node: ast.expr) -> list[str] | None:
        """The texts an expression can be: a constant, a choice of constants, a loop's constants, a field's name."""
        if (text := fold_text(node)) is not None:
            return [text]
        if isinstance(node, ast.IfExp):
            left, right = self.texts(node.body), self.texts(node.orelse)
            return left + right if left is not None and right is not None else None
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "name" and isinstance(node.value, ast.Name):
            return self.constants.get(node.value.id + ".name")
        return None

    def path_call(self, node: ast.Call) -> None:
        for path in sorted(self.paths(node.func)):
            if path in {"operator.attrgetter", "operator.methodcaller"}:
                for argument in node.args if path.endswith("attrgetter") else node.args[:1]:
                    text = fold_text(argument)
                    if text is None:
                        self.say("X306", f"{path} with a name that is only known when it runs", node)
                        continue
                    for part in text.split("."):
                        self.attribute(part, node)
            elif path in {"time.gmtime", "time.strftime"}:
                if len(node.args) < (1 if path.endswith("gmtime") else 2):
                    self.say("X319", f"{path} without a time reads the clock", node)
            elif path == "logging.getLogger" and not node.args and not node.keywords:
                self.say(
                    "X309", "the root logger belongs to the host", node, "use logging.getLogger(__name__)"
                )
            elif path in {"os.getenv", "os.environ.get"}:
                self.environment(node.args[0] if node.args else None, node)
        if isinstance(node.func, ast.Attribute):
            self.method_call(node, node.func)

    def method_call(self, node: ast.Call, function: ast.Attribute) -> None:
        paths = self.paths(function)
        if function.attr in {"utcnow", "today", "now"} and not paths:
            self.say("X319", f"{function.attr}() reads the clock", node, "take time from uplink.received_at")
        if function.attr in {"format", "format_map"} and (text := fold_text(function.value)) is not None:
            if any(word in text for word in _HIDDEN):
                self.say("X305", "the format reads attributes of the interpreter's own objects", node)
        owner = self.paths(function.value)
        if owner and function.attr in {
            "update",
            "clear",
            "pop",
            "append",
            "insert",
            "remove",
            "extend",
            "setdefault",
        }:
            for path in sorted(owner):
                if not path.startswith("."):
                    self.mutates(path, node)

    def environment(self, name: ast.expr | None, node: ast.AST) -> None:
        text = fold_text(name) if name is not None else None
        if text is None or text not in self.permission.environment:
            self.say("X301", f"the environment variable {text or 'of a computed name'} is not declared", node,
                     "name it under runtime.environment")  # fmt: skip

    # Statements

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if not self.functions and isinstance(node.value, ast.Call):
            self.import_effect(node.value)
        self.visit(node.value)

    def import_effect(self, call: ast.Call) -> None:
        paths = self.paths(call.func)
        for path in sorted(paths):
            if path == "warnings.warn" or (
                path.startswith("logging.") and path.rsplit(".", 1)[1] in _LOGGING
            ):
                self.say("X308", f"{path} is called while the module is imported", call)
        if isinstance(call.func, ast.Attribute) and call.func.attr in _LOGGING and not paths:
            if self.is_logger(call.func.value):
                self.say("X308", "a line is logged while the module is imported", call)

    def is_logger(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return "logging.getLogger" in self.paths(node.func)
        if not isinstance(node, ast.Name):
            return False
        return any(
            isinstance(statement, ast.Assign) and self.is_logger(statement.value)
            and any(isinstance(target, ast.Name) and target.id == node.id for target in statement.targets)
            for statement in self.module.tree.body
        )  # fmt: skip

    def visit_Raise(self, node: ast.Raise) -> None:
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(kind, ast.Name) and kind.id in _ENDINGS and self.is_builtin(kind.id):
            self.say("X320", f"{kind.id} ends the process that decodes", node, "raise treaty.DecodeError")
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        paths = self.paths(node.value)
        if "os.environ" in paths:
            self.environment(node.slice, node)
            if not isinstance(node.ctx, ast.Load):
                self.mutates("os.environ", node)
        elif not isinstance(node.ctx, ast.Load):
            for path in sorted(paths):
                if not path.startswith("."):
                    self.mutates(path, node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if self.functions and self.is_kept(node.target):
            self.say(
                "X318",
                "a count is kept between calls",
                node,
                "a decoder's output follows from its input alone",
            )
        self.generic_visit(node)

    def is_kept(self, target: ast.expr) -> bool:
        while isinstance(target, ast.Subscript):
            target = target.value
            if isinstance(target, ast.Name):
                home = self.scope.home(target.id)
                return home is not None and home.kind == "module"
        return isinstance(target, ast.Name) and self.scope.outer.get(target.id) == "global"

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (words := [word for word in _HIDDEN if word in node.value]):
            if node.value in _HIDDEN or any(word.startswith("__") for word in words):
                self.say("X305", f"the text {sorted(words)[0]} names the interpreter's own objects", node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        for name in node.kwd_attrs:
            self.attribute(name, node)
        self.generic_visit(node)

    # Scopes

    def enter(self, node: ast.AST, children: Iterator[ast.AST] | list[ast.AST]) -> None:
        outer, self.scope = self.scope, self.module.scopes[node]
        for child in children:
            self.visit(child)
        self.scope = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_all([*node.decorator_list, *node.args.defaults])
        self.visit_all([part for part in node.args.kw_defaults if part is not None])
        arguments = node.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ):
            self.annotation(argument.annotation if argument is not None else None)
        self.annotation(node.returns)
        self.functions += 1
        self.in_hash += node.name == "__hash__"
        self.enter(node, list(node.body))
        self.in_hash -= node.name == "__hash__"
        self.functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all([*node.args.defaults, *(part for part in node.args.kw_defaults if part is not None)])
        self.functions += 1
        self.enter(node, [node.body])
        self.functions -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        self.enter(node, list(node.body))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self.annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def annotation(self, node: ast.expr | None) -> None:
        """Annotations run when they are defined, and texts in them when somebody asks for the types."""
        if node is None:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError):
                return
            self.annotation(ast.fix_missing_locations(ast.copy_location(inner, node)))
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
        else:
            self.visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        names = self.loop_constants(node.target, node.iter)
        before = {name: self.constants.get(name) for name in names}
        self.constants.update(names)
        self.generic_visit(node)
        for name, held in before.items():
            self.constants.pop(name, None)
            if held is not None:
                self.constants[name] = held

    visit_AsyncFor = visit_For

    def loop_constants(self, target: ast.expr, values: ast.expr) -> dict[str, list[str]]:
        if not isinstance(target, ast.Name):
            return {}
        if isinstance(values, ast.Tuple | ast.List | ast.Set):
            texts = [fold_text(item) for item in values.elts]
            return {target.id: [text for text in texts if text is not None]} if None not in texts else {}
        if isinstance(values, ast.Call) and "dataclasses.fields" in self.paths(values.func):
            return {target.id + ".name": []}
        return {}

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        names: dict[str, list[str]] = {}
        for generator in node.generators:
            names |= self.loop_constants(generator.target, generator.iter)
        before = dict(self.constants)
        self.constants |= names
        self.enter(node, ast.iter_child_nodes(node))
        self.constants = before

    visit_ListComp = comprehension
    visit_SetComp = comprehension
    visit_DictComp = comprehension
    visit_GeneratorExp = comprehension


def walk(module: Module, package: Package, permission: Permission) -> Walk:
    """Every import and every finding of one module."""
    walker = _Walker(module, package, permission)
    for statement in module.tree.body:
        walker.visit(statement)
    walker.out.findings = [*module.source.findings, *walker.out.findings]
    return walker.out

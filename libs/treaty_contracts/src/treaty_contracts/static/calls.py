"""What calls do that their names alone do not tell."""

from __future__ import annotations

import ast

from treaty_contracts.static.folding import fold_text, known_prefix
from treaty_contracts.static.naming import Names
from treaty_contracts.static.permission import UNMISTAKABLE
from treaty_contracts.static.reach import judge_attribute
from treaty_contracts.static.reporting import Report
from treaty_contracts.static.words import HIDDEN, LOGGING, REACHING

__all__ = ["judge_by_name", "judge_call", "judge_environment_name", "judge_import_effect"]

_CHANGES = {"update", "clear", "pop", "append", "insert", "remove", "extend", "setdefault"}


def _changed(report: Report, path: str, node: ast.AST) -> None:
    report.say("X309", f"{path} belongs to another module and is changed", node)


def judge_by_name(report: Report, name: str, node: ast.Call) -> bool:
    """getattr, setattr, delattr and hasattr. Whether their target is still to be walked."""
    names = report.names
    if len(node.args) < 2 or any(isinstance(argument, ast.Starred) for argument in node.args):
        report.say("X306", f"{name} with arguments that cannot be read", node)
        return True
    target, attribute = node.args[:2]
    texts = names.texts(attribute)
    paths = names.paths(target)
    if texts is None:
        prefix = known_prefix(attribute)
        closed = (*REACHING, *UNMISTAKABLE)
        harmless = prefix and prefix[0] != "_" and not any(word.startswith(prefix) for word in closed)
        own = name in {"setattr", "delattr"} and isinstance(target, ast.Name) and target.id == "self"
        if name != "hasattr" and not own and not (harmless and not paths):
            hint = "use a table from names to functions"
            report.say("X306", f"{name} with a name that is only known when it runs", node, hint)
        return not paths
    for text in texts:
        if not paths:
            judge_attribute(report, text, node, loaded=name in {"getattr", "hasattr"})
            continue
        found = {path for base in paths for path in names.package.canonical(f"{base}.{text}")}
        report.used({path for path in found if not path.startswith(".")}, node)
        if name in {"setattr", "delattr"}:
            _changed(report, f"{sorted(paths)[0]}.{text}", node)
    return not paths


def _is_own_object(names: Names, node: ast.expr, given: list[ast.expr] | None) -> bool:
    """Whether a method is called of self, or of an object made of a class of the package."""
    if isinstance(node, ast.Name) and node.id == "self":
        return True
    return all(isinstance(part, ast.Call) and names.is_own_class(part.func) for part in given or [node])


def judge_call(report: Report, node: ast.Call) -> None:
    """Calls of the library that take names, clocks or the host's own objects."""
    for path in sorted(report.names.paths(node.func)):
        _judge_path(report, path, node)
    if not isinstance(node.func, ast.Attribute):
        return
    function = node.func
    paths = report.names.paths(function)
    if function.attr in {"utcnow", "today", "now"} and not paths:
        report.say("X319", f"{function.attr}() reads the clock", node, "take time from uplink.received_at")
    if function.attr in {"format", "format_map"}:
        given = report.names.assigned(function.value)
        texts = [fold_text(part) for part in ([function.value] if given is None else given)]
        if any(word in (text or "") for text in texts for word in HIDDEN):
            report.say("X305", "the format reads attributes of the interpreter's own objects", node)
        elif None in texts and not paths and not _is_own_object(report.names, function.value, given):
            hint = "write the format as a constant, or use an f-string"
            report.say("X306", "a format that is only known when it runs", node, hint)
    if function.attr == "register" and any(path.endswith(".register") for path in paths):
        _changed(report, sorted(paths)[0], node)
    if function.attr in _CHANGES:
        for path in sorted(report.names.paths(function.value)):
            if not path.startswith("."):
                _changed(report, path, node)


def _judge_path(report: Report, path: str, node: ast.Call) -> None:
    if path in {"operator.attrgetter", "operator.methodcaller"}:
        for argument in node.args if path.endswith("attrgetter") else node.args[:1]:
            text = fold_text(argument)
            if text is None:
                report.say("X306", f"{path} with a name that is only known when it runs", node)
            for part in (text or "").split("."):
                judge_attribute(report, part, node)
    elif path in {"time.gmtime", "time.strftime"}:
        moment = node.args[0 if path.endswith("gmtime") else 1 :][:1]
        if not moment or any(
            isinstance(part, ast.Starred) or (isinstance(part, ast.Constant) and part.value is None)
            for part in node.args
        ):
            report.say("X319", f"{path} without a time reads the clock", node)
    elif path == "random.Random":
        if not node.args:
            report.say("X319", "random.Random without a seed gives another value each time", node)
    elif path == "logging.getLogger" and not node.args and not node.keywords:
        report.say("X309", "the root logger belongs to the host", node, "use logging.getLogger(__name__)")
    elif path == "csv.field_size_limit" and (node.args or node.keywords):
        _changed(report, path, node)
    elif path in {"os.getenv", "os.environ.get"}:
        judge_environment_name(report, node.args[0] if node.args else None, node)


def judge_environment_name(report: Report, name: ast.expr | None, node: ast.AST) -> None:
    """Only variables the contract declares may be read."""
    text = fold_text(name) if name is not None else None
    if text is None or text not in report.names.permission.environment:
        message = f"the environment variable {text or 'of a computed name'} is not declared"
        report.say("X301", message, node, "name it under runtime.environment")


def judge_import_effect(report: Report, call: ast.Call) -> None:
    """A call that stands alone where a module is imported."""
    paths = report.names.paths(call.func)
    for path in sorted(paths):
        if path == "warnings.warn" or (path.startswith("logging.") and path.rsplit(".", 1)[1] in LOGGING):
            report.say("X308", f"{path} is called while the module is imported", call)
    function = call.func
    if not paths and isinstance(function, ast.Attribute) and function.attr in LOGGING:
        if not report.names.is_logger(function.value):
            return
        report.say("X308", "a line is logged while the module is imported", call)

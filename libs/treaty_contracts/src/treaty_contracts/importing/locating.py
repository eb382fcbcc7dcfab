"""Which module of a package folder an ImportSpy contract speaks of."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["module_name"]


def _defined(path: Path) -> set[str]:
    """The names a file binds at its top, as far as it can be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    return {
        str(getattr(node, "name", None) or getattr(node, "id", ""))
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Name)
    }


def _likely(document: Mapping[str, Any], source: Path, folder: Path) -> str:
    """The file of the folder that binds most of the promised names; one called plugin.py before others."""
    parts = [part for key in ("functions", "classes", "variables") for part in document.get(key) or []]
    wanted = {str(part.get("name")) for part in parts if isinstance(part, dict)}
    stem = source.name.split(".", 1)[0]
    files = sorted(
        folder.glob("*.py"),
        key=lambda path: (-len(wanted & _defined(path)), path.stem not in {stem, "plugin"}, path.name),
    )
    return files[0].name if files else f"{stem}.py"


def module_name(document: Mapping[str, Any], source: Path, folder: Path) -> str:
    """The dotted module a contract speaks of: its filename, found in the package folder."""
    filename = document.get("filename")
    if filename is None:
        for deployment in document.get("deployments") or []:
            for system in deployment.get("systems") or []:
                for python in system.get("pythons") or []:
                    filename = next(
                        (part["filename"] for part in python.get("modules") or [] if part.get("filename")),
                        filename,
                    )
    if filename is None:
        filename = _likely(document, source, folder)
    name = Path(str(filename))
    if not (folder / name).is_file():
        found = sorted(folder.rglob(name.name), key=lambda path: (len(path.parts), path.as_posix()))
        if found:
            name = found[0].relative_to(folder)
        elif (folder / name.stem / "__init__.py").is_file():
            return name.stem
    parts = [part for part in name.with_suffix("").parts if part not in {".", "/"}]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)

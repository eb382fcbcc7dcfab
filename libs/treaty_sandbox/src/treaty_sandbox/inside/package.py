"""Loads an untrusted package under a synthetic package name, from a directory or from memory."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Protocol

__all__ = ["NAME", "Package"]

NAME = "treaty_plugin"
"""The package's name in the child: `decoder.py` is `treaty_plugin.decoder`, `from . import tables` works."""

LOADING_FRAMES = 5_000
"""Room for modules that import each other in a chain: each takes several frames, a plain call one."""


class _Sources(Protocol):
    """Where modules come from; paths are POSIX, relative to the package."""

    def read(self, path: str) -> bytes | None: ...

    def folder(self, path: str) -> bool: ...


class _Directory:
    def __init__(self, root: str) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        try:
            with open(os.path.join(self._root, path), "rb") as source:
                return source.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def folder(self, path: str) -> bool:
        return os.path.isdir(os.path.join(self._root, path))


class _Memory:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def folder(self, path: str) -> bool:
        return any(name.startswith(path + "/") for name in self._files)


class _Importer:
    """A finder and loader, without importlib.abc's base classes, which are slow to import.

    Finds and compiles the package's .py files: no bytecode cache, no native module is ever looked at.

    `import tables` of a module at the package's top level is the same module as `from . import tables`,
    where neither the standard library nor anything else importable has that name; so is what lies below it.
    """

    def __init__(self, sources: _Sources) -> None:
        self._sources = sources
        self._aliased: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME and not fullname.startswith(NAME + "."):
            inside = path is None or fullname.partition(".")[0] in self._aliased
            if inside and self.find_spec(f"{NAME}.{fullname}") is not None:
                self._aliased.add(fullname.partition(".")[0])
                return ModuleSpec(fullname, _Same())  # type: ignore[arg-type]
            return None
        inner = fullname[len(NAME) + 1 :].replace(".", "/")
        init, plain = f"{inner}/__init__.py".lstrip("/"), f"{inner}.py"
        for file in (init, plain):
            if self._sources.read(file) is not None:
                return self._spec(fullname, file, file)
        if not inner or self._sources.folder(inner):
            return self._spec(fullname, init, None)
        return None

    def _spec(self, fullname: str, origin: str, file: str | None) -> ModuleSpec:
        is_package = origin.endswith("__init__.py")
        spec = ModuleSpec(fullname, None, origin=origin, loader_state=file, is_package=is_package)
        spec.loader = self  # type: ignore[assignment]
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary one."""

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is None or spec.loader_state is None:
            return
        source = self._sources.read(spec.loader_state) or b""
        with warnings.catch_warnings():
            # What a compiler doubts in a source, and whether it prints that, differs from Python to Python.
            warnings.simplefilter("ignore")
            code = compile(source, spec.loader_state, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102

    def get_data(self, path: str) -> bytes:
        """For pkgutil.get_data; `path` as in the package."""
        content = self._sources.read(path)
        if content is None:
            raise FileNotFoundError(path)
        return content


class _Same:
    """One module under two names."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return import_module(f"{NAME}.{spec.name}")

    def exec_module(self, module: ModuleType) -> None:
        """Already executed under its own name."""


class Package:
    """The untrusted package of this child. Nothing of it runs before `load` or `entry` is called."""

    def __init__(self, place: str | Mapping[str, bytes]) -> None:
        """A directory, or files in memory by POSIX path."""
        sources: _Sources = _Directory(place) if isinstance(place, str) else _Memory(place)
        sys.meta_path.append(_Importer(sources))
        self._sources = sources

    def read(self, path: str) -> bytes | None:
        """A file's content, by POSIX path; None where there is none."""
        return self._sources.read(path)

    def load(self, module: str) -> ModuleType:
        """The module `module` (dotted, relative to the package); raises whatever its code raises."""
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, LOADING_FRAMES))
        try:
            return import_module(f"{NAME}.{module}".removesuffix(".__init__"))
        finally:
            sys.setrecursionlimit(before)

    def entry(self, spec: str) -> Any:
        """The object "module:attribute.path" names; raises AttributeError, or as `load`."""
        module, _, attributes = spec.partition(":")
        found: Any = self.load(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
        return found

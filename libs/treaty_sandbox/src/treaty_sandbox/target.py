"""What a child is to run: trusted runner, untrusted package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Target"]

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Target:
    """A trusted runner function and the untrusted package it works on.

    `runner` ("module:function") is imported before confinement from the supervisor's own import path
    and called after it as `function(package, options)`; it returns the handler that is called once a
    message. `package` is a directory, which the child may then read, or files in memory by POSIX path:
    what was judged is then what runs. `options` are plain values for the runner. `readable` are further
    paths the child may read, `import_path` further entries of its sys.path (to be readable too, as far
    as they are needed). `environment` is all the child finds in os.environ.
    """

    runner: str
    package: Path | Mapping[str, bytes]
    options: Mapping[str, Any] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    import_path: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _FUNCTION.fullmatch(self.runner):
            raise ValueError(f"runner: expected module:function, got {self.runner!r}")
        if isinstance(self.package, Path) and not self.package.is_dir():
            raise ValueError(f"package: {self.package} is not a directory")

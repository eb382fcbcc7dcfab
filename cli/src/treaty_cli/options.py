"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["Json", "Plugins"]

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout.")]
Plugins: TypeAlias = Annotated[
    Path,
    typer.Option(
        envvar="TREATY_PLUGINS_DIR", help="The folder of plugin packages.", exists=True, file_okay=False
    ),
]

"""Data on stdout: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 1000

__all__ = ["emit", "plain", "print_json", "table"]


def plain(text: str) -> str:
    """What a terminal may be shown of what strangers write: control characters are commands to it."""
    return "".join(c if c.isprintable() else "·" for c in text)


def print_json(data: object) -> None:
    """One line, so that the last line of stdout is the object."""
    print(json.dumps(data, separators=(",", ":"), ensure_ascii=False), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """As wide as it needs to be: a line is never cut or broken, so that it can be searched and copied.

    A cell is shown as it is, but for control characters: brackets in it are no style.
    """
    found = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        found.add_column(column, no_wrap=True, overflow="ignore")
    for row in rows:
        found.add_row(*(Text("" if cell is None else plain(str(cell))) for cell in row))
    Console(highlight=False, soft_wrap=True, width=_WIDE).print(found, crop=False)


def emit(as_json: bool, data: Any, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """`data` as JSON, or the rows."""
    if as_json:
        print_json(data)
    else:
        table(columns, rows)

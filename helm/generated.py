"""Writes the table of values in helm/treaty/README.md from values.yaml and values.schema.json.

python helm/readme.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "treaty"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"


def rows(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of every value; what has a shape of its own per name is listed once."""
    for name, part in schema.get("properties", {}).items():
        default = values.get(name) if isinstance(values, dict) else None
        where = f"{path}{name}"
        if where == "global":
            continue
        if part.get("properties") and not where.startswith(("services.", "workers.")):
            yield from rows(part, default or {}, f"{where}.")
            continue
        yield (
            where,
            "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`",
            part["description"],
        )
        group = part.get("additionalProperties")
        if isinstance(group, dict) and group.get("properties"):
            yield from rows(group, {}, f"{where}.<name>.")


def table() -> str:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = ["| value | default | |", "|---|---|---|"]
    for cells in rows(schema, values):
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in (f"`{cells[0]}`", *cells[1:])) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    readme = CHART / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if readme.read_text() != text:
            sys.stderr.write(
                f"{readme} is not what values.yaml and its schema say: run python helm/readme.py\n"
            )
            return 1
        return 0
    readme.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

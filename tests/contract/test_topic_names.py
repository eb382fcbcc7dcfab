"""A topic's name in code is one of topics.yaml, whoever writes it."""

import re
from pathlib import Path

from treaty_events.topics import spec_of, specs

ROOT = Path(__file__).parents[2]
SOURCES = [p for room in ("libs", "services", "cli") for p in sorted((ROOT / room).glob("**/src/**/*.py"))]
KINDS = sorted({name.split(".")[0] for name in specs()})
NAME = re.compile(rf"""["'`]((?:{"|".join(KINDS)})\.[a-z0-9_.<>{{}}-]*\.v[0-9]+)["'`]""")
SCHEMAS = {spec.schema for spec in specs().values()}


def test_the_search_finds_names() -> None:
    found = NAME.findall("""'uplink.raw.v1' "treaty.uplink.raw.v1" f"uplink.accepted.{plugin}.v1" `x.y.v1`""")
    assert found == ["uplink.raw.v1", "uplink.accepted.{plugin}.v1"]
    assert len(SOURCES) > 20


def test_names_in_code_are_specified() -> None:
    unknown = []
    for source in SOURCES:
        for name in NAME.findall(source.read_text("utf-8")):
            template = name.replace("{", "<").replace("}", ">")
            if template not in specs() and template not in SCHEMAS and spec_of(name) is None:
                unknown.append(f"{source.relative_to(ROOT)}: {name}")
    assert unknown == []

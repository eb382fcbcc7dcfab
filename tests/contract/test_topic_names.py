"""Topics in code are those of topics.yaml, and a service touches those alone that it is listed with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from treaty_events import topics
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


SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "src").is_dir())
MADE = {"raw_topic": topics.RAW_OF_GATEWAY, "accepted_topic": topics.ACCEPTED}


def touched(source: Path) -> Iterator[str]:
    """The specifications whose constants or functions a source takes from treaty_events.topics."""
    named = MADE | {name: value for name, value in vars(topics).items() if name.isupper()}
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "treaty_events.topics":
            yield from (named[alias.name] for alias in node.names if alias.name in named)
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "topics"
        ):
            yield from ([named[node.attr]] if node.attr in named else [])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_listed_with_every_topic_it_touches(service: str) -> None:
    """Anybody may name the shared raw topic: it's where a gateway is told to write."""
    sources = (ROOT / "services" / service).glob("src/**/*.py")
    names = {name for source in sources for name in touched(source)} - {topics.RAW}
    for name in sorted(names):
        spec = specs()[name]
        assert service in (*spec.producers, *spec.consumers, spec.creator), name

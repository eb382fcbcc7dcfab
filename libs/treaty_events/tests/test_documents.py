"""The published documents agree with the code and with each other; nothing among them stands alone."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml

from treaty_events import codec, documents
from treaty_events.asyncapi import OUTSIDE
from treaty_events.catalogue import EVENTS, committed_schema, examples, schema_of
from treaty_events.topics import specs

ROOT = Path(__file__).parents[3]
ASYNCAPI = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text("utf-8"))
EXAMPLES = [(name, title) for name in EVENTS for title in examples(name)]


def every(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from every(inner)


def test_documents_are_as_the_code_writes_them() -> None:
    assert documents.stale(ROOT) == []


def test_a_document_that_was_changed_by_hand_is_found(tmp_path: Path) -> None:
    for path, text in documents.documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert documents.stale(tmp_path) == []
    changed = documents.SCHEMAS / "reading.normalized.v1.json"
    (tmp_path / changed).write_text("{}", "utf-8")
    (tmp_path / documents.SCHEMAS / "of.no.event.v1.json").write_text("{}", "utf-8")
    (tmp_path / "docs/asyncapi.yaml").unlink()
    assert documents.stale(tmp_path) == [
        Path("docs/asyncapi.yaml"),
        documents.SCHEMAS / "of.no.event.v1.json",
        changed,
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_a_schema_is_valid_and_closed(name: str) -> None:
    schema = json.loads(committed_schema(name))
    assert jsonschema_rs.meta.is_valid(schema)
    objects = [found for found in schema["$defs"].values() if found.get("type") == "object"]
    assert objects
    assert all(found["additionalProperties"] is False for found in objects)


@pytest.mark.parametrize(("name", "title"), EXAMPLES)
def test_an_example_is_valid_and_is_the_event(name: str, title: str) -> None:
    body = examples(name)[title]
    jsonschema_rs.validate(json.loads(committed_schema(name)), json.loads(body))
    event = codec.decode(EVENTS[name], body)
    jsonschema_rs.validate(schema_of(name), json.loads(codec.encode(event)))


@pytest.mark.parametrize("name", EVENTS)
def test_a_schema_refuses_what_the_event_is_not(name: str) -> None:
    validator = jsonschema_rs.validator_for(json.loads(committed_schema(name)))
    body = json.loads(next(iter(examples(name).values())))
    assert not validator.is_valid(body | {"news": 1})
    for field in body:
        assert not validator.is_valid(body | {field: ["of", {"another": "type"}]})


def test_every_topic_has_a_schema_or_says_what_its_value_is() -> None:
    for spec in specs().values():
        assert (spec.schema is None) != (spec.value is None), spec.name


def test_every_schema_is_some_topics() -> None:
    assert {spec.schema for spec in specs().values() if spec.schema is not None} == set(EVENTS)


def test_every_event_has_an_example_and_every_example_an_event() -> None:
    folders = {f.name for f in resources.files("treaty_events").joinpath("examples").iterdir()}
    assert folders == set(EVENTS)
    assert {name for name, _ in EXAMPLES} == set(EVENTS)


def test_event_types_are_named_after_their_schemas() -> None:
    assert {name: event.TYPE for name, event in EVENTS.items()} == {n: f"treaty.{n}" for n in EVENTS}


def test_every_producer_and_consumer_is_a_service_or_stands_outside() -> None:
    services = {
        folder.name for folder in (ROOT / "services").iterdir() if (folder / "pyproject.toml").exists()
    }
    for spec in specs().values():
        assert spec.producers
        assert spec.consumers
        assert {*spec.producers, *spec.consumers} <= services | OUTSIDE, spec.name
        assert (spec.creator is not None) == (spec.parameter is not None), spec.name
        assert spec.creator is None or spec.creator in services, spec.name


def test_the_asyncapi_document_has_every_topic_once_and_refers_to_nothing_missing() -> None:
    addresses = [channel["address"] for channel in ASYNCAPI["channels"].values()]
    assert sorted(addresses) == sorted(n.replace("<", "{").replace(">", "}") for n in specs())
    for node in every(ASYNCAPI):
        if not isinstance(node, dict) or "$ref" not in node:
            continue
        target: Any = ASYNCAPI
        for part in node["$ref"].removeprefix("#/").split("/"):
            assert part in target, node["$ref"]
            target = target[part]


def test_the_asyncapi_document_names_every_parameter_of_an_address() -> None:
    for channel in ASYNCAPI["channels"].values():
        parameters = {part.partition("}")[0] for part in channel["address"].split("{")[1:]}
        assert set(channel.get("parameters", {})) == parameters


def test_an_unknown_field_of_a_topic_is_a_fault_of_the_file() -> None:
    with pytest.raises(msgspec.ValidationError, match="retenton"):
        msgspec.convert({"key": "k", "retenton": 1}, type(next(iter(specs().values()))))

"""The AsyncAPI 3 document of the platform's topics.

Source: AsyncAPI 3.0.0 (www.asyncapi.com/docs/reference/specification/v3.0.0) and its Kafka bindings 0.5.0.
One document for the whole platform: an operation is one service's, and carries the service's tag.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import yaml

from treaty_events.catalogue import EVENTS, tidy
from treaty_events.topics import TopicSpec, specs

__all__ = ["OUTSIDE", "document"]

OUTSIDE: Final = frozenset({"devices", "subscribers", "operators"})
"""Producers and consumers that are no service of the platform."""

BINDING: Final = "0.5.0"
PARAMETERS: Final = {
    "gateway": "Slug of the gateway that writes it.",
    "plugin": "Name of the plugin that reads it.",
}
CLOUD_EVENT: Final = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary mode.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {
            "type": "string",
            "description": "<raw topic's UUID>:<partition>:<offset>:<index>, the same through every hop.",
        },
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_type": {"type": "string"},
        "content-type": {"type": "string"},
        "traceparent": {"type": "string"},
    },
}


def document() -> str:
    """As YAML, the same text every time."""
    types = list(EVENTS.values())
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for definition in schemas.values():
        tidy(definition)
    found = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Treaty",
            "version": "0.1.0",
            "description": "Made of topics.yaml and the event types by python -m treaty_events.documents.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_id(spec): _channel(spec) for spec in specs().values()},
        "operations": _operations(),
        "components": {
            "messages": {_id(spec): _message(spec) for spec in specs().values()},
            "schemas": {"CloudEvent": CLOUD_EVENT} | schemas,
        },
    }
    return yaml.dump(found, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _id(spec: TopicSpec) -> str:
    return spec.name.replace("<", "").replace(">", "").replace(".", "-")


def _channel(spec: TopicSpec) -> dict[str, Any]:
    binding: dict[str, Any] = {
        "partitions": spec.partitions,
        "topicConfiguration": {
            "cleanup.policy": [spec.cleanup],
            "retention.ms": spec.retention,
            "max.message.bytes": spec.max_message,
        },
        "bindingVersion": BINDING,
    }
    found: dict[str, Any] = {
        "address": spec.name.replace("<", "{").replace(">", "}"),
        "messages": {"record": {"$ref": f"#/components/messages/{_id(spec)}"}},
        "description": f"Key: {spec.key}. Times of records: {spec.timestamp}.",
        "bindings": {"kafka": binding},
    }
    if spec.parameter is not None:
        found["parameters"] = {spec.parameter: {"description": PARAMETERS[spec.parameter]}}
    return found


def _message(spec: TopicSpec) -> dict[str, Any]:
    binding = {"kafka": {"key": {"type": "string", "description": spec.key}, "bindingVersion": BINDING}}
    if spec.schema is None:
        return {"name": spec.name, "payload": {"description": f"{spec.value}."}, "bindings": binding}
    event = EVENTS[spec.schema]
    return {
        "name": event.__name__,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEvent"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": binding,
    }


def _operations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for spec in specs().values():
        for action, verb, services in (
            ("send", "writes", spec.producers),
            ("receive", "reads", spec.consumers),
        ):
            for service in services:
                if service in OUTSIDE:
                    continue
                channel = f"#/channels/{_id(spec)}"
                found[f"{service}-{verb}-{_id(spec)}"] = {
                    "action": action,
                    "channel": {"$ref": channel},
                    "messages": [{"$ref": f"{channel}/messages/record"}],
                    "tags": [{"name": service}],
                }
    return found

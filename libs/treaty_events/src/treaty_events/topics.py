"""Topics: their specifications (topics.yaml) and their names. treaty_chassis.kafka.topics creates them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec
import yaml

__all__ = [
    "COMMAND_PROGRESSED",
    "CONTRACT_DECIDED",
    "DEADLETTER",
    "DEVICE_CHANGED",
    "DOWNLINK_ENCODED",
    "GATEWAY_CHANGED",
    "NETWORK_REPORTED",
    "PLUGIN_OFFERED",
    "PLUGIN_REPORTED",
    "RAW",
    "READING_NORMALIZED",
    "REFUSED",
    "REPLAY",
    "Topic",
    "TopicSpec",
    "accepted_topic",
    "command_topic",
    "raw_topic",
    "spec_of",
    "specs",
    "standing_topics",
    "topic",
]

RAW: Final = "uplink.raw.v1"
RAW_OF_GATEWAY: Final = "uplink.raw.<gateway>.v1"
REPLAY: Final = "uplink.replay.v1"
ACCEPTED: Final = "uplink.accepted.<plugin>.v1"
REFUSED: Final = "uplink.refused.v1"
DEADLETTER: Final = "uplink.deadletter.v1"
NETWORK_REPORTED: Final = "network.reported.v1"
READING_NORMALIZED: Final = "reading.normalized.v1"
PLUGIN_REPORTED: Final = "plugin.reported.v1"
PLUGIN_OFFERED: Final = "plugin.offered.v1"
COMMAND_REQUESTED: Final = "command.requested.<plugin>.v1"
COMMAND_PROGRESSED: Final = "command.progressed.v1"
DOWNLINK_ENCODED: Final = "downlink.encoded.v1"
DEVICE_CHANGED: Final = "device.changed.v1"
GATEWAY_CHANGED: Final = "gateway.changed.v1"
CONTRACT_DECIDED: Final = "contract.decided.v1"

_PARAMETER = re.compile(r"<([a-z]+)>")
_ARGUMENT = re.compile(r"[a-z][a-z0-9-]{1,62}")


class TopicSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of topics.yaml. retention in ms (-1: for ever), max_message in bytes."""

    key: str
    partitions: int
    retention: int
    max_message: int
    timestamp: Literal["LogAppendTime", "CreateTime"]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    schema: str | None = None
    value: str | None = None
    creator: str | None = None
    cleanup: Literal["delete", "compact"] = "delete"
    name: str = ""

    @property
    def parameter(self) -> str | None:
        """What a template's name leaves open: `plugin` or `gateway`."""
        found = _PARAMETER.search(self.name)
        return None if found is None else found[1]

    def config(self) -> dict[str, str]:
        """The topic's settings that Treaty relies on, by Kafka's own names."""
        return {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message),
            "message.timestamp.type": self.timestamp,
            "retention.ms": str(self.retention),
        }


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that can be created: no template."""

    name: str
    partitions: int
    config: Mapping[str, str]


@cache
def specs() -> Mapping[str, TopicSpec]:
    """Every specification by name, templates included. A fault in the file is a msgspec.ValidationError."""
    text = resources.files("treaty_events").joinpath("topics.yaml").read_text("utf-8")
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {name: msgspec.convert(found | {"name": name}, TopicSpec) for name, found in loaded.items()}


def topic(name: str, argument: str | None = None, *, partitions: int | None = None) -> Topic:
    """The topic of a specification; `argument` fills a template's open part.

    Raises KeyError for a name that is not specified, ValueError for an argument that is missing, too many,
    or not of the form [a-z][a-z0-9-]{1,62}.
    """
    spec = specs()[name]
    parameter = spec.parameter
    if (parameter is None) != (argument is None):
        raise ValueError(f"{name}: expected {'no' if parameter is None else 'an'} argument, got {argument!r}")
    if argument is not None:
        if not _ARGUMENT.fullmatch(argument):
            raise ValueError(f"{parameter}: expected [a-z][a-z0-9-]{{1,62}}, got {argument[:80]!r}")
        name = name.replace(f"<{parameter}>", argument)
    return Topic(name, spec.partitions if partitions is None else partitions, spec.config())


def raw_topic(gateway: str) -> Topic:
    """A gateway's own topic, by the gateway's slug."""
    return topic(RAW_OF_GATEWAY, gateway)


def accepted_topic(plugin: str, *, partitions: int | None = None) -> Topic:
    """A plugin's accepted uplinks."""
    return topic(ACCEPTED, plugin, partitions=partitions)


def command_topic(plugin: str) -> Topic:
    """What is asked of a plugin's devices."""
    return topic(COMMAND_REQUESTED, plugin)


def standing_topics() -> tuple[Topic, ...]:
    """Those that exist from the start: all but the templates."""
    return tuple(topic(name) for name, spec in specs().items() if spec.parameter is None)


def spec_of(name: str) -> TopicSpec | None:
    """The specification a topic's name belongs to, or None: it is not one of the platform's."""
    if name in specs():
        return None if specs()[name].parameter is not None else specs()[name]
    for template, spec in specs().items():
        before, parameter, after = template.partition(f"<{spec.parameter}>")
        if parameter and re.fullmatch(re.escape(before) + _ARGUMENT.pattern + re.escape(after), name):
            return spec
    return None

"""Looks at a share of what leaves once more, by the published schema and the contract's: the checks of the
hot path are made for speed, and these are made from the documents alone. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from treaty_chassis.kafka.work import Output
from treaty_contracts import Contract
from treaty_events.catalogue import committed_schema
from treaty_events.topics import READING_NORMALIZED
from treaty_normalization.promises import Promises

__all__ = ["Sample", "Sampler", "schema_of"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Of each version: the `first` uplinks, then that `share` of them, evenly."""

    first: int = 100
    share: float = 0.01


def schema_of(contract: Contract, promises: Promises) -> dict[str, Any]:
    """What every reading of the plugin must be: the event's schema, narrowed to what the contract emits."""
    measurements = [
        {"properties": {"name": {"const": name}, "unit": {"const": promise.unit}}}
        for name, promise in promises.measurements.items()
    ]
    properties: dict[str, Any] = {
        name: {"type": emitted.type} | ({} if emitted.values is None else {"enum": list(emitted.values)})
        for name, emitted in contract.emits.properties.items()
    }
    narrowed: dict[str, Any] = {
        "measurements": {"items": {"anyOf": measurements}} if measurements else {"maxItems": 0},
        "properties": {"properties": properties, "additionalProperties": False},
    }
    if not contract.emits.position:
        narrowed["position"] = {"type": "null"}
    published = json.loads(committed_schema("reading.normalized.v1"))
    return {**published, "properties": narrowed}


class Sampler:
    """Of one version. The schema is compiled when the first uplink is looked at."""

    def __init__(self, contract: Contract, promises: Promises, sample: Sample) -> None:
        self._contract = contract
        self._promises = promises
        self._sample = sample
        self._seen = 0
        self._every = round(1 / sample.share) if sample.share else 0
        self._validator: Any = None

    def chosen(self, count: int) -> frozenset[int]:
        """Which of the next `count` uplinks are to be looked at, by their places among them."""
        before, first, every = self._seen, self._sample.first, self._every
        self._seen += count
        found = set(range(min(count, max(0, first - before))))
        if every:
            past = max(0, before - first)
            found.update(range(max(0, first - before) + every - 1 - past % every, count, every))
        return frozenset(found)

    def objection(self, outputs: Sequence[Output]) -> str | None:
        """What is wrong with one uplink's readings; None: nothing."""
        if self._validator is None:
            schema = schema_of(self._contract, self._promises)
            self._validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        for output in outputs:
            if output.topic != READING_NORMALIZED or output.value is None:
                continue
            for error in self._validator.iter_errors(json.loads(output.value)):
                path = "/".join(str(part) for part in error.instance_path)
                return f"sampled: {path or 'the reading'}: {error.message}"[:500]
        return None

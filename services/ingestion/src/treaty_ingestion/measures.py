"""What ingestion counts: records by what became of them. No label names a device or a gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import prometheus_client
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Output
from treaty_chassis.telemetry import METRICS
from treaty_events.headers import REASON, header
from treaty_events.topics import NETWORK_REPORTED, REFUSED

__all__ = ["Measures"]


class Measures:
    """Counted when judged: a record that is judged again, after an aborted transaction, counts again."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self._uplinks = prometheus_client.Counter(
            "treaty_ingestion_uplinks",
            "Raw records by outcome (accepted, reported, refused) and reason of refusal.",
            ["outcome", "reason"],
            registry=registry,
        )

    def count(self, outputs: Iterable[Sequence[Output]]) -> None:
        found: Counter[tuple[str, str]] = Counter()
        for made in outputs:
            for output in made:
                found[_outcome(output)] += 1
        for labels, records in found.items():
            self._uplinks.labels(*labels).inc(records)


def _outcome(output: Output) -> tuple[str, str]:
    if output.topic == REFUSED:
        return "refused", (header(output.headers, REASON) or b"").decode()
    return ("reported" if output.topic == NETWORK_REPORTED else "accepted"), ""

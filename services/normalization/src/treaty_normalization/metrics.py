"""What the worker counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from treaty_chassis.telemetry import LATENCY_BUCKETS, METRICS

__all__ = ["Metrics"]


class Metrics:
    """One a process. Counts are of work done, which after an abort is done again."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self.readings = Counter(
            "treaty_normalization_readings", "Readings made.", ["plugin"], registry=registry
        )
        self.dead_letters = Counter(
            "treaty_normalization_dead_letters",
            "Uplinks dead-lettered.",
            ["plugin", "reason"],
            registry=registry,
        )
        self.duplicates = Counter(
            "treaty_normalization_duplicates_dropped",
            "Repeated deliveries dropped.",
            ["plugin"],
            registry=registry,
        )
        self.restarts = Counter(
            "treaty_normalization_child_restarts",
            "Children that died or were killed, and were replaced.",
            ["plugin"],
            registry=registry,
        )
        self.upgrades = Counter(
            "treaty_normalization_upgrades",
            "Versions of a plugin that took the place of another while the worker ran.",
            ["plugin"],
            registry=registry,
        )
        self.rechecks = Counter(
            "treaty_normalization_rechecks",
            "Times some of a plugin's vectors were run again while it was at work, by what they showed.",
            ["plugin", "result"],
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "treaty_normalization_batch_seconds",
            "From handing a batch to the child to its last reply.",
            ["plugin"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.waiting = Gauge(
            "treaty_normalization_waiting_uplinks",
            "Uplinks that wait for the plugin's child.",
            ["plugin"],
            registry=registry,
        )
        self.oldest_waiting = Gauge(
            "treaty_normalization_oldest_waiting_seconds",
            "Age of the oldest uplink that waits for a suspended plugin.",
            ["plugin"],
            registry=registry,
        )
        self.retention = Gauge(
            "treaty_normalization_retention_seconds",
            "How long the broker keeps a suspended plugin's uplinks.",
            ["plugin"],
            registry=registry,
        )

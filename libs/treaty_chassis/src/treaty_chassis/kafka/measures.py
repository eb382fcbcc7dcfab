"""What the runner counts. Labels are topics and partitions, never devices."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.work import Partition
from treaty_chassis.telemetry import LATENCY_BUCKETS, METRICS

__all__ = ["Measures"]


class Measures:
    """One per process: a second one on the same registry is refused by it."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self.records = Counter(
            "treaty_runner_records", "Records whose transaction was committed.", registry=registry
        )
        self.outputs = Counter("treaty_runner_outputs", "Records produced and committed.", registry=registry)
        self.dead_letters = Counter(
            "treaty_runner_dead_letters",
            "Records the runner itself dead-lettered.",
            ["reason"],
            registry=registry,
        )
        self.transactions = Counter("treaty_runner_transactions", "Committed.", registry=registry)
        self.aborts = Counter("treaty_runner_aborts", "Aborted transactions.", ["cause"], registry=registry)
        self.transaction_seconds = Histogram(
            "treaty_runner_transaction_seconds",
            "From begin to committed.",
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )
        self.batch_records = Histogram(
            "treaty_runner_batch_records",
            "Input records a transaction.",
            registry=registry,
            buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 5000, 20000),
        )
        self.in_flight_bytes = Gauge(
            "treaty_runner_in_flight_bytes", "Of records polled and not yet committed.", registry=registry
        )
        self.suspended = Gauge(
            "treaty_runner_suspended_partitions",
            "Assigned, and paused by whoever runs the runner.",
            registry=registry,
        )
        self.stranded = Gauge(
            "treaty_runner_stranded_partitions",
            "Assigned, and stopped because the next record is gone.",
            registry=registry,
        )
        self._lag = Gauge(
            "treaty_runner_lag_records",
            "Offsets between the log's end and what is committed.",
            ["topic", "partition"],
            registry=registry,
        )
        self._lagging: set[Partition] = set()

    def committed(self, batch: Batch, seconds: float) -> None:
        """One transaction, from begin to committed."""
        self.transactions.inc()
        self.records.inc(batch.records)
        self.outputs.inc(batch.produced)
        self.batch_records.observe(batch.records)
        self.transaction_seconds.observe(seconds)

    def now(self, in_flight_bytes: int, suspended: int, stranded: int, lags: Mapping[Partition, int]) -> None:
        """The gauges; `lags` is of every partition assigned now, the others' series end."""
        self.in_flight_bytes.set(in_flight_bytes)
        self.suspended.set(suspended)
        self.stranded.set(stranded)
        for gone in self._lagging - lags.keys():
            self._lag.remove(gone.topic, str(gone.number))
        for partition, records in lags.items():
            self._lag.labels(partition.topic, str(partition.number)).set(records)
        self._lagging = set(lags)

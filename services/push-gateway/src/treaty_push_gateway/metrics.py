"""What the node tells Prometheus, in base units; no label names a device, a workspace or a subscriber."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import Counter, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from treaty_chassis.telemetry import LATENCY_BUCKETS, METRICS
from treaty_push_gateway.session import Gateway
from treaty_push_gateway.transports.traffic import Traffic

__all__ = ["DELIVERY_LAG", "ERRORS", "INVALID", "READINGS", "NodeCollector"]

READINGS: Final = Counter("treaty_push_readings", "Readings taken from the log.", registry=METRICS)
INVALID: Final = Counter("treaty_push_invalid_records", "Records that are no reading.", registry=METRICS)
ERRORS: Final = Counter(
    "treaty_push_client_errors", "Errors told to clients; slow_reader among them.", ["code"], registry=METRICS
)
DELIVERY_LAG: Final = Histogram(
    "treaty_push_delivery_lag_seconds",
    "From a reading's production to its hand-over to the live subscribers, the oldest of each batch.",
    buckets=LATENCY_BUCKETS,
    registry=METRICS,
)


class NodeCollector(Collector):
    """Reads the numbers the loop's thread keeps, at scrape time; `gateway` gives None until there is one."""

    def __init__(self, traffic: Traffic, gateway: Callable[[], Gateway | None]) -> None:
        self._traffic = traffic
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "treaty_push_connections", "Connections open now.", labels=["transport"]
        )
        connections.add_metric(["websocket"], self._traffic.websocket)
        connections.add_metric(["sse"], self._traffic.sse)
        yield connections
        yield CounterMetricFamily("treaty_push_messages", "Messages sent.", self._traffic.messages)
        yield CounterMetricFamily("treaty_push_sent_bytes", "Bytes of messages sent.", self._traffic.bytes)
        gateway = self._gateway()
        if gateway is not None:
            yield from _served(gateway)


def _served(gateway: Gateway) -> Iterator[Metric]:
    ring, reading = gateway.hub.ring, gateway.catch_up.reading
    subscriptions = GaugeMetricFamily(
        "treaty_push_subscriptions", "Subscriptions by how they are served.", labels=["stage"]
    )
    for stage, count in gateway.hub.counts().items():
        subscriptions.add_metric([stage], count)
    yield subscriptions
    yield GaugeMetricFamily("treaty_push_ring_bytes", "Memory of recent readings.", ring.bytes)
    yield GaugeMetricFamily("treaty_push_ring_readings", "Readings in it.", len(ring))
    yield GaugeMetricFamily("treaty_push_catch_up_readers", "Readers of old data at work.", reading)

"""What is told of a plugin that no uplink caused: attestations, and what checks find while it runs."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

import structlog
from confluent_kafka import KafkaError, Message, Producer

from treaty_chassis.kafka.security import reach
from treaty_events.codec import encode
from treaty_events.decisions import ATTESTED_BY, PluginReported
from treaty_events.envelope import Envelope
from treaty_events.instants import rfc3339
from treaty_events.topics import PLUGIN_REPORTED
from treaty_normalization.plugins import Plugin
from treaty_normalization.wire import SOURCE

__all__ = ["Notices"]

log = structlog.get_logger(__name__)
_DETAIL, _ATTESTATION = 4000, 100_000


class Notices:
    """Produces plugin.reported.v1, outside transactions, in the background: told once, or not at all should
    the broker stay away for minutes. Safe from any thread."""

    def __init__(self, bootstrap_servers: str, slot: str) -> None:
        settings = reach(bootstrap_servers) | {
            "client.id": f"treaty-normalization-{slot}-notices",
            "enable.idempotence": True,
            "queue.buffering.max.messages": 10_000,
            "logger": logging.getLogger("librdkafka"),
        }
        self._producer = Producer(settings)
        self._slot = slot

    def tell(self, plugin: Plugin, kind: str, detail: str, longest: int = _DETAIL) -> None:
        now_ms = time.time_ns() // 1_000_000
        body = PluginReported(
            plugin.name, plugin.version, plugin.digest, self._slot, kind, detail[:longest], rfc3339(now_ms)
        )
        headers: list[tuple[str, str | bytes | None]] = [
            *Envelope(str(uuid4()), SOURCE, PluginReported.TYPE).headers()
        ]
        try:
            self._producer.produce(
                PLUGIN_REPORTED, encode(body), plugin.name.encode(), headers=headers, on_delivery=_delivered
            )
        except BufferError:
            log.error("notice dropped", plugin=plugin.name, kind=kind, detail="too many wait already")
        self._producer.poll(0)

    def attest(self, plugin: Plugin) -> None:
        """That the package was judged here, by which rules, on what host, and what confined it."""
        said = plugin.attestation.decode("utf-8", "replace").strip()
        self.tell(plugin, f"{ATTESTED_BY}{self._slot}", said, _ATTESTATION)

    def close(self) -> None:
        self._producer.flush(5)


def _delivered(error: KafkaError | None, message: Message) -> None:
    if error is not None:
        log.error("notice lost", plugin=(message.key() or b"").decode(errors="replace"), detail=error.str())

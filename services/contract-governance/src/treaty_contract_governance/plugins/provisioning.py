"""Creates the accepted topic of each plugin that is admitted and in use, then decides again with it; and, at
the start, those that were there and are not any more, as with a Kafka that has lost its data.

Level-triggered: it looks at what should be and is not, when woken and every few seconds, so that nothing is
lost when Kafka or this process is down at the wrong moment. Creating is idempotent; a topic comes before the
decision that names it.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from treaty_chassis.kafka import topics
from treaty_chassis.telemetry import METRICS
from treaty_contract_governance.plugins.store import Decisions
from treaty_events.topics import accepted_topic

__all__ = ["Provisioning"]

log = structlog.get_logger(__name__)
EVERY_S = 5.0
PLUGINS = Gauge("treaty_governance_plugins", "Plugins by their state.", ["state"], registry=METRICS)


class Provisioning:
    """`run` until cancelled; `wake` from anywhere on the event loop."""

    def __init__(self, decisions: Decisions, admin: AdminClient, partitions: int) -> None:
        self._decisions = decisions
        self._admin = admin
        self._partitions = partitions
        self._woken = asyncio.Event()
        self._wrong: str | None = "has not begun yet"
        self._looked_back = False

    def wake(self) -> None:
        self._woken.set()

    def check(self) -> str | None:
        """For readiness: None while the last look went well."""
        return self._wrong

    async def run(self) -> None:
        while True:
            try:
                await self.look()
                self._wrong = None
            except (KafkaException, SQLAlchemyError, OSError) as error:
                self._wrong = f"topics cannot be created: {type(error).__name__}"
                log.warning("provisioning_failed", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._woken.wait()
            self._woken.clear()

    async def look(self) -> None:
        """One pass. Raises KafkaException or SQLAlchemyError; what was done before stays done."""
        if not self._looked_back:
            await self._restore()
            self._looked_back = True
        for plugin in await self._decisions.unprovided():
            topic = accepted_topic(plugin, partitions=self._partitions)
            await asyncio.to_thread(topics.apply, self._admin, [topic])
            await self._decisions.provide(plugin, topic.name)
            log.info("plugin_provided", plugin=plugin, topic=topic.name)
        for state, count in (await self._decisions.states()).items():
            PLUGINS.labels(state).set(count)

    async def _restore(self) -> None:
        provided = await self._decisions.provided()
        there = await asyncio.to_thread(topics.existing, self._admin)
        for plugin in sorted(plugin for plugin, topic in provided.items() if topic not in there):
            topic = accepted_topic(plugin, partitions=self._partitions)
            await asyncio.to_thread(topics.apply, self._admin, [topic])
            log.warning("plugin_topic_restored", plugin=plugin, topic=topic.name)

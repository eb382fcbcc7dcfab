"""Tells which actions a hosted plugin has, once there is a topic to ask for them on."""

from __future__ import annotations

import logging
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from treaty_chassis.kafka.security import reach
from treaty_chassis.kafka.topics import admin, apply
from treaty_events.codec import encode
from treaty_events.commands import Offer, PluginOffered
from treaty_events.envelope import Envelope
from treaty_events.topics import PLUGIN_OFFERED, command_topic
from treaty_normalization.plugins import Plugin
from treaty_normalization.wire import SOURCE

__all__ = ["Offers", "offer_of"]

_DELIVERED_S: Final = 10.0


def offer_of(plugin: Plugin) -> PluginOffered:
    actions = {
        name: Offer(dict(action.arguments), action.description)
        for name, action in plugin.contract.actions.items()
    }
    return PluginOffered(plugin.name, plugin.version, plugin.digest, actions)


class Offers:
    """Raises KafkaException where the broker does not answer: a plugin whose actions nobody can ask for is
    not hosted."""

    def __init__(self, bootstrap_servers: str, slot: str) -> None:
        self._servers = bootstrap_servers
        self._producer = Producer(
            reach(bootstrap_servers)
            | {
                "client.id": f"treaty-normalization-{slot}-offers",
                "enable.idempotence": True,
                "logger": logging.getLogger("librdkafka"),
            }
        )

    def make(self, plugin: Plugin) -> None:
        """The command topic where the plugin has actions, then what it offers. Blocks for seconds at most."""
        if plugin.contract.actions:
            apply(admin(self._servers), [command_topic(plugin.name)])
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)

        envelope = Envelope(f"{plugin.name}:{plugin.digest}", SOURCE, PluginOffered.TYPE)
        headers: list[tuple[str, str | bytes | None]] = [*envelope.headers()]
        body, key = encode(offer_of(plugin)), plugin.name.encode()
        self._producer.produce(PLUGIN_OFFERED, body, key, headers=headers, on_delivery=delivered)
        left = self._producer.flush(_DELIVERED_S)
        if failed or left:
            cause = failed[0] if failed else KafkaError(KafkaError._TIMED_OUT)
            raise KafkaException(cause)

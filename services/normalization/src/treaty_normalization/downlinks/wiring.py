"""What a worker has of downlinks: a work, and a plugin's encoder for each that has actions."""

from __future__ import annotations

from treaty_events.topics import command_topic
from treaty_normalization.downlinks.encoding import CommandMeasures, Encoding
from treaty_normalization.downlinks.offers import Offers
from treaty_normalization.downlinks.work import CommandWork
from treaty_normalization.plugins import Plugin
from treaty_sandbox import Policy, Template

__all__ = ["Downlinks"]


class Downlinks:
    """`host` is called by the gate's thread before the plugin's topics are read, `close` at the end."""

    def __init__(self, bootstrap_servers: str, slot: str, template: Template, policy: Policy) -> None:
        self.work = CommandWork()
        self._offers = Offers(bootstrap_servers, slot)
        self._measures = CommandMeasures()
        self._encodings: dict[str, Encoding] = {}
        self._template = template
        self._policy = policy
        self._slot = slot

    def host(self, plugin: Plugin) -> None:
        """A new plugin, or the next version of one. Raises KafkaException."""
        held = self._encodings.get(plugin.name)
        if held is not None:
            held.upgrade(plugin)
        elif plugin.contract.actions:
            encoding = Encoding(plugin, self._template, self._policy, self._slot, self._measures)
            self._encodings[plugin.name] = encoding
            self.work.host(command_topic(plugin.name).name, encoding)
        self._offers.make(plugin)

    def close(self) -> None:
        self.work.close()

"""One plugin's encoder at work: commands wait in order, a batch at a time goes to its child.

The child is another than the decoder's, so that no command waits behind uplinks nor they behind it. It is
started when a command comes and let go when none has come for a while: most plugins have few.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import prometheus_client
import structlog
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Output, Record
from treaty_chassis.telemetry import METRICS
from treaty_events.commands import CommandRequested, CommandState
from treaty_normalization.downlinks.outcome import Outcome, carrying, ended, outcome
from treaty_normalization.plugins import Plugin
from treaty_normalization.reports import VIOLATIONS, Reports
from treaty_sandbox import Host, Policy, Target, Template
from treaty_sandbox.encoding import DownlinkValues, downlink_target, encoding_target

__all__ = ["CommandMeasures", "Encoding", "Entry", "target_of"]

log = structlog.get_logger(__name__)
BATCH: Final = 64
REST_S: Final = 30.0


class CommandMeasures:
    """No label names a device."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self.commands = prometheus_client.Counter(
            "treaty_normalization_commands",
            "Commands by what became of them (encoded, failed, expired, repeated).",
            ["plugin", "outcome"],
            registry=registry,
        )


class Entry:
    """A record in hand: `outputs` is None until it is finished. Dropped with its partition."""

    __slots__ = ("dropped", "outputs", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.outputs: Sequence[Output] | None = None
        self.dropped = False


def target_of(plugin: Plugin) -> Target:
    """The child's: the package in memory as it was judged. Raises ValueError without an encoder."""
    contract = plugin.contract
    if contract.entry is None or contract.entry.encode is None:
        raise ValueError(f"{plugin.name}: the contract has no encoder")
    if contract.language == "javascript":
        return downlink_target(plugin.files, contract.entry.encode, contract.errors)
    third_party = any(rule.allowed for rule in contract.packages_in_full().values())
    library = [Path(p) for p in sys.path if p.endswith("site-packages")] if third_party else []
    return encoding_target(
        plugin.files, contract.entry.encode, contract.errors, readable=library, import_path=library
    )


class _Version:
    """A plugin as it is now: its child and its actions' schemas."""

    def __init__(self, plugin: Plugin, template: Template, policy: Policy, slot: str) -> None:
        self.plugin = plugin
        self.reports = Reports(plugin, slot)
        self.host: Host[DownlinkValues] | None = None
        entry = plugin.contract.entry
        if entry is not None and entry.encode is not None:
            self.host = Host(
                template, target_of(plugin), DownlinkValues, limits=plugin.limits(), policy=policy
            )
        options = jsonschema_rs.RegexOptions()
        self.schemas: dict[str, Any] = {
            name: jsonschema_rs.validator_for(action.arguments, pattern_options=options, offline=True)
            for name, action in plugin.contract.actions.items()
        }


class Encoding:
    """All but `upgrade` is the runner's thread's."""

    def __init__(
        self, plugin: Plugin, template: Template, policy: Policy, slot: str, measures: CommandMeasures
    ) -> None:
        self._template = template
        self._policy = policy
        self._slot = slot
        self._measures = measures
        self._now = _Version(plugin, template, policy, slot)
        self._next: Plugin | None = None
        self._queue: deque[tuple[Entry, CommandRequested]] = deque()
        self._batch: list[tuple[Entry, CommandRequested]] = []
        self._busy_at: float | None = None

    @property
    def plugin(self) -> Plugin:
        return self._now.plugin

    def upgrade(self, plugin: Plugin) -> None:
        """From the next batch on; what is in the child's hands ends there. From any thread."""
        self._next = plugin

    def take(self, entry: Entry, command: CommandRequested) -> None:
        self._queue.append((entry, command))

    def repeated(self) -> None:
        self._measures.commands.labels(self.plugin.name, "repeated").inc()

    def poll(self, now: float, now_ms: int) -> None:
        """Moves on whatever can. Never blocks."""
        if not self._batch and self._next is not None:
            self._replace(self._next)
        host = self._now.host
        if not self._batch and not self._queue:
            if host is not None and self._busy_at is not None and now - self._busy_at > REST_S:
                host.close()
                self._busy_at = None
            return
        if host is not None and self._busy_at is not None:
            done = host.poll(now)
            if done is not None:
                for (entry, command), reply in zip(self._batch, done.replies, strict=True):
                    self._end(entry, outcome(self.plugin, command, reply, now_ms), now_ms)
                self._batch = []
        if not self._batch:
            self._send(now, now_ms)

    def filenos(self) -> list[int]:
        host = self._now.host
        return [] if host is None or not self._batch else [fileno for fileno, _, _ in host.waits()]

    def reset(self) -> None:
        """Everything in hand is dropped; replies of a batch in the child's hands are ignored."""
        self._queue.clear()
        self._now.reports.reset()

    def rest(self) -> None:
        """The child is let go."""
        self.reset()
        self._batch, self._busy_at = [], None
        if self._now.host is not None:
            self._now.host.close()

    def _replace(self, plugin: Plugin) -> None:
        self._next = None
        if self._now.host is not None:
            self._now.host.close()
        self._busy_at = None
        self._now = _Version(plugin, self._template, self._policy, self._slot)

    def _send(self, now: float, now_ms: int) -> None:
        batch: list[tuple[Entry, CommandRequested]] = []
        while self._queue and len(batch) < BATCH:
            entry, command = self._queue.popleft()
            if entry.dropped:
                continue
            refused = self._refused(command, now_ms)
            if refused is not None:
                self._end(entry, refused, now_ms)
            else:
                batch.append((entry, command))
        if batch and self._now.host is not None:
            self._batch, self._busy_at = batch, now
            self._now.host.submit([(c.action, c.model, c.arguments) for _, c in batch], now)

    def _refused(self, command: CommandRequested, now_ms: int) -> Outcome | None:
        """What needs no child. The contract may be another than the one the request was held against."""
        plugin = self.plugin
        if now_ms >= command.expires_at:
            return ended(plugin, command, CommandState.EXPIRED, now_ms)
        schema = self._now.schemas.get(command.action)
        if schema is None or self._now.host is None:
            detail = f"{plugin.name} {plugin.version} has no action {command.action[:80]!r}"
            return ended(plugin, command, CommandState.FAILED, now_ms, "unknown_action", detail)
        try:
            schema.validate(command.arguments)
        except jsonschema_rs.ValidationError as error:
            return ended(plugin, command, CommandState.FAILED, now_ms, "invalid_arguments", error.message)
        return None

    def _end(self, entry: Entry, found: Outcome, now_ms: int) -> None:
        if entry.dropped:
            return
        reports = self._now.reports
        if found.reason in VIOLATIONS:
            identity = dict(entry.record.headers).get("ce_id") or b""
            reports.note(found.reason or "", found.detail, identity.decode())
        entry.outputs = [*carrying(found.outputs, entry.record), *reports.due(now_ms)]
        self._measures.commands.labels(self.plugin.name, str(found.state)).inc()

"""Follows one uplink through the topics, each stage's search beginning where the last one stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from treaty_chassis.kafka.partitioning import partition_of
from treaty_chassis.kafka.work import Partition, Record
from treaty_cli.output import plain
from treaty_cli.trace import stages
from treaty_cli.trace.log import Log
from treaty_cli.trace.stages import Outcome, Stage, Trace
from treaty_events import topics
from treaty_events.codec import decode
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.headers import REASON, SIGNATURE, header
from treaty_events.identity import EventId
from treaty_events.uplinks import PARKED, Refusal
from treaty_normalization.client import GROUP, first_delivery

__all__ = ["INGESTION", "Follower", "UnknownUplinkError"]

INGESTION: Final = "treaty-ingestion"
MOST_REPLAYS: Final = 20
SOON_MS: Final = 30_000
"""Within which a reading usually follows: past it a repeat is looked for first."""


class UnknownUplinkError(LookupError):
    """The id names no record that can be read; the message says which part does not."""


@dataclass
class _Way:
    """What was found so far."""

    id: EventId
    stages: list[Stage] = field(default_factory=list)
    seen: set[tuple[str, int, int]] = field(default_factory=set)

    def add(self, record: Record, found: Stage) -> None:
        self.seen.add((record.topic, record.partition, record.offset))
        self.stages.append(found)

    def is_next(self, record: Record) -> bool:
        ours = header(record.headers, "ce_id") == str(self.id).encode()
        return ours and (record.topic, record.partition, record.offset) not in self.seen

    def end(self, outcome: Outcome, summary: str) -> Trace:
        return Trace(str(self.id), outcome, summary, tuple(self.stages))


class Follower:
    """`patience_ms` is how long after a stage the next one is looked for."""

    def __init__(
        self, log: Log, patience_ms: int, normalization: str = GROUP, ingestion: str = INGESTION
    ) -> None:
        self._log = log
        self._patience = patience_ms
        self._normalization = normalization
        self._ingestion = ingestion

    def follow(self, id: EventId) -> Trace:
        """Raises UnknownUplinkError, KafkaException, FatalError, SilentError."""
        way = _Way(id.at(0))
        record = self._raw(id)
        way.add(record, stages.raw(record))
        here = Partition(record.topic, record.partition)
        waits = self._behind(self._ingestion, here, record.offset)
        if waits is not None:
            way.stages.append(Stage("waiting", facts={"for": "ingestion", **waits}))
            return way.end(Outcome.WAITING, f"ingestion has not read it yet{_ahead(waits)}")
        proof = "by its signature" if header(record.headers, SIGNATURE) else "by its own topic"
        return self._after_ingestion(way, record, proof)

    def _raw(self, id: EventId) -> Record:
        topic = self._log.ids.get(id.topic)
        if topic is None:
            raise UnknownUplinkError(f"no raw topic of this Kafka has the UUID {id.topic}")
        place = Partition(topic, id.partition)
        if id.partition >= self._log.existing[topic]:
            raise UnknownUplinkError(f"{topic} has no partition {id.partition}")
        low, high = self._log.bounds(place)
        if id.offset >= high:
            raise UnknownUplinkError(f"{topic}[{id.partition}] ends at {high}: nothing stands at {id.offset}")
        if id.offset < low:
            raise UnknownUplinkError(
                f"{topic}[{id.partition}] is retained from {low} on: the record at {id.offset} is gone"
            )
        found = self._log.at(place, id.offset)
        if found is None:
            raise UnknownUplinkError(f"{topic}[{id.partition}] has no committed record at {id.offset}")
        return found

    def _behind(self, group: str, place: Partition, offset: int) -> dict[str, int | str] | None:
        """How far the group is from a record, None where it has done with it."""
        committed = self._log.committed(group, place)
        if committed is not None and committed > offset:
            return None
        begin = self._log.bounds(place)[0] if committed is None else committed
        return {"group": group, "committed": begin, "offset": offset, "ahead": max(0, offset - begin)}

    def _after_ingestion(self, way: _Way, record: Record, proof: str) -> Trace:
        log = self._log
        places = log.partitions([*log.of(topics.ACCEPTED), topics.REFUSED, topics.NETWORK_REPORTED])
        since = record.timestamp_ms
        for _ in range(MOST_REPLAYS):
            found = log.search(places, since, since + self._patience, way.is_next)
            if not found:
                return way.end(
                    Outcome.NOT_FOUND,
                    f"ingestion is past it, and what it made of it was not found{self._by()}",
                )
            outcome = found[0]
            if outcome.topic == topics.NETWORK_REPORTED:
                way.add(outcome, stages.reported(outcome))
                kind = way.stages[-1].facts.get("kind", "event")
                return way.end(Outcome.REPORTED, f"no uplink, but the network's own event: {kind}")
            if outcome.topic != topics.REFUSED:
                way.add(outcome, stages.accepted(outcome, proof))
                return self._after_acceptance(way, outcome)
            way.add(outcome, stages.refused(outcome))
            replay = self._replay(way, outcome)
            if replay is None:
                return _refused(way)
            since, proof = replay.timestamp_ms, "when it first came"
        return way.end(Outcome.PARKED, f"refused again after {MOST_REPLAYS} replays")

    def _replay(self, way: _Way, refusal: Record) -> Record | None:
        if (header(refusal.headers, REASON) or b"").decode("utf-8", "replace") not in PARKED:
            return None
        places = self._log.partitions([topics.REPLAY])
        since = refusal.timestamp_ms
        found = self._log.search(places, since, since + self._patience, way.is_next)
        if not found:
            return None
        way.add(found[0], stages.replayed(found[0]))
        return found[0]

    def _after_acceptance(self, way: _Way, record: Record) -> Trace:
        place = Partition(record.topic, record.partition)
        waits = self._behind(self._normalization, place, record.offset)
        if waits is not None:
            return self._waiting(way, waits)
        log = self._log
        key = record.key or b""
        count = log.existing.get(topics.READING_NORMALIZED, 0)
        places = log.partitions([topics.DEADLETTER])
        if count:
            places.append(Partition(topics.READING_NORMALIZED, partition_of(key, count)))
        prefix = f"{str(way.id).rpartition(':')[0]}:".encode()

        def matches(other: Record) -> bool:
            return (header(other.headers, "ce_id") or b"").startswith(prefix)

        since = record.timestamp_ms
        soon = since + min(SOON_MS, self._patience)
        found = log.search(places, since, soon, matches)
        if not found:
            before = first_delivery(record, log.history)
            if before is not None:
                return _duplicate(way, before)
            found = log.search(places, soon, since + self._patience, matches)
        return self._results(way, found)

    def _results(self, way: _Way, found: list[Record]) -> Trace:
        readings = [r for r in found if r.topic == topics.READING_NORMALIZED]
        if readings:
            for record in readings:
                way.add(record, stages.reading(record))
            took = (readings[-1].timestamp_ms) - (way.stages[0].at or 0)
            many = "1 reading" if len(readings) == 1 else f"{len(readings)} readings"
            return way.end(Outcome.READINGS, f"{many}, {took} ms after it arrived")
        if found:
            way.add(found[0], stages.dead_letter(found[0]))
            facts = way.stages[-1].facts
            return way.end(Outcome.DEAD_LETTER, f"{facts.get('reason')}: {facts.get('detail')}")
        way.stages.append(Stage("no_reading"))
        return way.end(Outcome.NO_READING, f"the plugin made no reading of it{self._by()}")

    def _waiting(self, way: _Way, waits: dict[str, int | str]) -> Trace:
        plugin = str(way.stages[-1].facts.get("plugin"))
        why, facts = self._decision(plugin)
        way.stages.append(Stage("waiting", facts={"for": "normalization", **waits, **facts}))
        return way.end(Outcome.WAITING, f"{why}{_ahead(waits)}")

    def _decision(self, plugin: str) -> tuple[str, dict[str, str]]:
        record = self._log.last_of_key(topics.CONTRACT_DECIDED, plugin.encode())
        if record is None or record.value is None:
            return f"governance has not decided on {plugin}", {}
        decided = decode(ContractDecided, record.value)
        facts = {
            "plugin": plugin,
            "state": str(decided.state),
            "since": decided.decided_at,
            "by": plain(decided.decided_by),
            "reason": plain(decided.reason),
        }
        if decided.state is PluginState.ADMITTED:
            return f"{plugin} {decided.plugin_version} is admitted and its worker has not come to it", facts
        return f"{plugin} is {decided.state} since {decided.decided_at}: {facts['reason']}", facts

    def _by(self) -> str:
        return f" (within {self._patience / 3_600_000:g} h of the stage before)"


def _ahead(waits: dict[str, int | str]) -> str:
    """Offsets have gaps, so there may be fewer records than they say."""
    ahead = waits["ahead"]
    many = "record" if ahead == 1 else "records"
    return ", and it is next" if ahead == 0 else f", with at most {ahead} {many} before it"


def _refused(way: _Way) -> Trace:
    facts = way.stages[-1].facts
    reason = facts.get("reason")
    if reason not in PARKED:
        return way.end(Outcome.REFUSED, f"{reason}: {facts.get('detail')}")
    until = "it is registered" if reason == Refusal.UNKNOWN_DEVICE else "its plugin takes uplinks"
    way.stages.append(
        Stage("parked", facts={"inbox": facts.get("workspace"), "external_id": facts.get("device")})
    )
    return way.end(
        Outcome.PARKED,
        f"{facts.get('detail')}; it waits in the workspace's inbox and is replayed once {until}",
    )


def _duplicate(way: _Way, first: Record) -> Trace:
    told = header(first.headers, "ce_id") or b""
    of = told.decode("utf-8", "replace")
    way.stages.append(
        Stage(
            "duplicate",
            facts={
                "of": of,
                "accepted": {"topic": first.topic, "partition": first.partition, "offset": first.offset},
            },
        )
    )
    return way.end(Outcome.DUPLICATE, f"the network delivered it twice; the readings are those of {of}")

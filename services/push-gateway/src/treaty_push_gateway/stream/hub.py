"""Who stands where, and what they get when: live subscribers by the group, the others from the ring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from treaty_push_gateway.stream.cursor import Position, covers, write_cursor
from treaty_push_gateway.stream.entry import Entry, Tick
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.filters import Group, Groups
from treaty_push_gateway.stream.messages import Outgoing, position_message, readings
from treaty_push_gateway.stream.place import Place
from treaty_push_gateway.stream.ring import Ring
from treaty_push_gateway.stream.step import Fanout, step
from treaty_push_gateway.stream.subscription import Stage, Subscription

__all__ = ["FRAME", "Hub"]

FRAME: Final = 240 * 1024
"""Bytes of readings in one message; with its envelope it stays below the protocol's 256 KiB."""
PAGE: Final = 500
"""Entries looked at before others get a turn."""
PROGRESS_S: Final = 15.0
STALLED_S: Final = 30.0


class Hub:
    """For one thread. `defer` runs a function soon (the loop's call_soon), `clock` is monotonic seconds."""

    def __init__(
        self,
        fanout: Fanout,
        ring: Ring,
        defer: Callable[[Callable[[], None]], object],
        clock: Callable[[], float],
    ) -> None:
        self.fanout = fanout
        self.ring = ring
        self._defer = defer
        self._clock = clock
        self._groups = Groups()
        self._live: dict[Group, set[Subscription]] = {}
        self._behind: set[Subscription] = set()
        self._catching_up: set[Subscription] = set()

    @property
    def position(self) -> Position:
        return self.fanout.position

    def publish(self, tick: Tick) -> None:
        """Takes in what was read and sends it to everyone who is live."""
        before, sequence = self.position, self.ring.next
        self.ring.extend(tick.entries)
        self.fanout, messages = step(self.fanout, self._groups, tick)
        now = self._clock()
        for group, message in messages.items():
            late = []
            for subscription in self._live[group]:
                if subscription.outlet.writable:
                    subscription.outlet.send(message)
                    subscription.sent_at = now
                else:
                    late.append(subscription)
            for subscription in late:
                self._leave(subscription)
                self._replay(subscription, before, sequence)
        for subscription in self._behind:
            if subscription.outlet.writable or subscription.latest is not None:
                self._schedule(subscription)

    def place(self, subscription: Subscription, position: Position) -> bool:
        """Starts the subscription at a position. False when that is older than the ring: the subscription
        is then to be fed (`feed`) until it is not."""
        if not self.ring.holds(position):
            self._move(subscription, position, Stage.CATCHING_UP)
            subscription.sent_at = self._clock()
            self._catching_up.add(subscription)
            return False
        self._replay(subscription, position, self.ring.find(position))
        self._pump(subscription)
        return True

    def feed(self, subscription: Subscription, tick: Tick) -> bool:
        """Gives a subscription that is catching up what a reader read for it. True once the ring takes over,
        or when the subscription is gone."""
        if subscription.stage is not Stage.CATCHING_UP:
            return True
        place, admits = subscription.place, subscription.group.filter.admits
        matched = [entry for entry in tick.entries if place.take(entry) and admits(entry)]
        place.reach(tick.position)
        self._send(subscription, matched)
        position = place.position
        if not self.ring.holds(position):
            return False
        self._catching_up.discard(subscription)
        self._replay(subscription, position, self.ring.find(position))
        self._schedule(subscription)
        return True

    def resume(self, subscription: Subscription) -> None:
        """To be called when the subscription's outlet is writable again."""
        if subscription.stage is Stage.REPLAYING:
            self._schedule(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Forgets a subscription; nothing more is sent to it."""
        self._leave(subscription)
        self._behind.discard(subscription)
        self._catching_up.discard(subscription)
        subscription.stage = Stage.CLOSED

    def cursor(self, subscription: Subscription) -> str | None:
        """From where the subscription would have to be resumed now; None before it has a place."""
        if subscription.stage is Stage.OPENING:
            return None
        if subscription.stage is Stage.LIVE:
            return self.fanout.cursor
        return subscription.safe or self._written(subscription)

    def counts(self) -> dict[str, int]:
        """Subscriptions by how they are served."""
        live = sum(map(len, self._live.values()))
        return {"live": live, "replaying": len(self._behind), "catching_up": len(self._catching_up)}

    def sweep(self) -> None:
        """To be called about once a second: progress for the quiet, the end for the stalled."""
        now = self._clock()
        live = [s for members in self._live.values() for s in members]
        for subscription in (*live, *self._behind, *self._catching_up):
            blocked = subscription.outlet.blocked_since
            if subscription.stage is Stage.CLOSED:
                continue
            if blocked is not None and now - blocked >= STALLED_S:
                self._fail(subscription, f"nothing could be sent for {STALLED_S:.0f} s")
            elif blocked is None and now - subscription.sent_at >= PROGRESS_S:
                self._tell(subscription, "progress")

    def _pump(self, subscription: Subscription) -> None:
        subscription.scheduled = False
        if subscription.stage is not Stage.REPLAYING:
            return
        if subscription.sequence < self.ring.first:
            if not self.ring.holds(subscription.place.position):
                self._fail(subscription, "readings not yet sent have left the node's memory")
                return
            subscription.sequence = self.ring.first
        if subscription.latest is None and not subscription.outlet.writable:
            return
        matched = self._page(subscription)
        at_head = subscription.sequence == self.ring.next
        if at_head:
            subscription.place.reach(self.position)
        sent = self._send(subscription, matched)
        if not at_head:
            self._schedule(subscription)
        elif sent and covers(self.position, subscription.place.position):
            self._join(subscription)

    def _page(self, subscription: Subscription) -> list[Entry]:
        """The next entries in the ring for the subscription, one message's worth at most."""
        matched: list[Entry] = []
        size = 0
        for entry in self.ring.read(subscription.sequence, PAGE):
            if matched and size + len(entry.body) > FRAME:
                break
            subscription.sequence += 1
            if subscription.place.take(entry) and subscription.group.filter.admits(entry):
                matched.append(entry)
                size += len(entry.body)
        return matched

    def _send(self, subscription: Subscription, matched: Iterable[Entry]) -> bool:
        """Sends or, when conflating, keeps what cannot be sent now. Whether all is on its way."""
        if subscription.latest is None:
            self._send_readings(subscription, list(matched), self._written(subscription))
            return True
        latest = subscription.latest
        for entry in matched:
            latest.add(entry)
        while latest and subscription.outlet.writable:
            taken = list(latest.take(FRAME))
            cursor = subscription.safe if latest else None
            self._send_readings(subscription, taken, cursor or self._written(subscription))
        if not latest:
            subscription.safe = self._written(subscription)
        return not latest

    def _send_readings(self, subscription: Subscription, matched: list[Entry], cursor: str) -> None:
        if matched:
            group = subscription.group
            self._out(subscription, readings(group.id, cursor, (entry.body for entry in matched)))

    def _tell(self, subscription: Subscription, kind: str) -> None:
        self._out(subscription, position_message(kind, subscription.group.id, self.cursor(subscription)))

    def _out(self, subscription: Subscription, message: Outgoing) -> None:
        subscription.outlet.send(message)
        subscription.sent_at = self._clock()

    def _written(self, subscription: Subscription) -> str:
        return write_cursor(self.fanout.log, subscription.place.position)

    def _join(self, subscription: Subscription) -> None:
        self._behind.discard(subscription)
        subscription.stage = Stage.LIVE
        subscription.safe = None
        self._groups.add(subscription.group)
        self._live.setdefault(subscription.group, set()).add(subscription)
        if not subscription.announced:
            subscription.announced = True
            self._tell(subscription, "live")

    def _leave(self, subscription: Subscription) -> None:
        members = self._live.get(subscription.group)
        if members is not None and subscription in members:
            members.discard(subscription)
            if not members:
                del self._live[subscription.group]
                self._groups.remove(subscription.group)

    def _replay(self, subscription: Subscription, position: Position, sequence: int) -> None:
        self._move(subscription, position, Stage.REPLAYING)
        subscription.sequence = sequence
        self._behind.add(subscription)

    def _move(self, subscription: Subscription, position: Position, stage: Stage) -> None:
        subscription.place = Place(position)
        subscription.stage = stage
        if subscription.latest is not None and subscription.safe is None:
            subscription.safe = self._written(subscription)

    def _schedule(self, subscription: Subscription) -> None:
        if not subscription.scheduled:
            subscription.scheduled = True
            self._defer(lambda: self._pump(subscription))

    def _fail(self, subscription: Subscription, detail: str) -> None:
        error = CodedError(Code.SLOW_READER, f"{detail}; resume from the cursor")
        subscription.failed(error)
        self.remove(subscription)

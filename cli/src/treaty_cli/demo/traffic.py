"""The demo's traffic, one record after the other: pure, the time passed in.

Most records are a known device's real uplink with a fresh envelope. Among every forty: one forged, one of an
unknown device, one that cannot be decoded, two delivered again, one that is no uplink but a join or a status.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final
from uuid import UUID

from treaty_cli.demo.corpora import Case, Corpus
from treaty_cli.demo.network_events import join, join_accept, status
from treaty_cli.demo.seed import Seed, SeedDevice
from treaty_cli.demo.signatures import signed
from treaty_events import topics
from treaty_events.fleet import Authentication
from treaty_events.networks import Network, Wrapped, chirpstack, loriot, native, things_stack

__all__ = ["Kind", "Sending", "Traffic"]


class Kind(StrEnum):
    REGULAR = "regular"
    FORGED = "forged"
    UNKNOWN = "unknown"
    UNDECODABLE = "undecodable"
    REPEATED = "repeated"
    EVENT = "event"


ROUND: Final = 40
PLACES: Final = {
    5: Kind.FORGED,
    12: Kind.UNKNOWN,
    19: Kind.REPEATED,
    25: Kind.UNDECODABLE,
    32: Kind.EVENT,
    38: Kind.REPEATED,
}
REPEAT_AFTER_MS: Final = 800
REPEAT_BEFORE_MS: Final = 20_000
"""Well within the two minutes in which a repeated delivery is recognised."""

COUNTER_MS: Final = 10
"""Counters follow time, one in this many ms, so that they go on where an earlier run was."""

WRAP: Final[Mapping[Network, Callable[..., Wrapped]]] = {
    Network.CHIRPSTACK: chirpstack.wrap,
    Network.LORIOT: loriot.wrap,
    Network.THINGS_STACK: things_stack.wrap,
}


@dataclass(frozen=True, slots=True)
class Sending:
    """A record to produce."""

    kind: Kind
    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class _Delivered:
    at_ms: int
    device: SeedDevice
    wrapped: Wrapped


class Traffic:
    """The seed must name devices whose corpora are given. Counters of a device stay within 2^32, as LoRaWAN's
    do; a device may send once in COUNTER_MS on average."""

    def __init__(self, seed: Seed, corpora: Mapping[str, Corpus], random: Random) -> None:
        if not seed.devices:
            raise ValueError("the seed names no device")
        self._seed = seed
        self._corpora = corpora
        self._random = random
        self._turns: deque[SeedDevice] = deque(random.sample(seed.devices, len(seed.devices)))
        self._signing = [
            d for d in seed.devices if seed.gateway(d.gateway).authentication is not Authentication.TOPIC
        ]
        self._cases: Counter[str] = Counter()
        self._counters: dict[str, int] = {}
        self._recent: deque[_Delivered] = deque(maxlen=400)
        self._count = 0

    def next(self, now_ms: int) -> Sending:
        """The next record, its envelope's times being now."""
        kind = PLACES.get(self._count % ROUND, Kind.REGULAR)
        self._count += 1
        made = {
            Kind.FORGED: self._forged,
            Kind.UNKNOWN: self._unknown,
            Kind.UNDECODABLE: self._undecodable,
            Kind.REPEATED: self._repeated,
            Kind.EVENT: self._event,
        }.get(kind, self._regular)(now_ms)
        return self._regular(now_ms) if made is None else made

    def _regular(self, now_ms: int) -> Sending:
        device = self._turn()
        wrapped = self._wrap(device, self._case(device), now_ms)
        self._recent.append(_Delivered(now_ms, device, wrapped))
        return self._send(Kind.REGULAR, device, wrapped, now_ms)

    def _forged(self, now_ms: int) -> Sending | None:
        """As if by a known device, by somebody who does not know the secret."""
        if not self._signing:
            return None
        device = self._random.choice(self._signing)
        wrapped = self._wrap(device, self._case(device), now_ms)
        return self._send(Kind.FORGED, device, wrapped, now_ms, secret=self._random.randbytes(32))

    def _unknown(self, now_ms: int) -> Sending | None:
        if not self._seed.unknown:
            return None
        stranger = self._random.choice(self._seed.unknown)
        corpus = self._corpora[stranger.corpus]
        gateway = next((g for g in self._seed.gateways if g.network is corpus.network), None)
        if gateway is None:
            return None
        device = SeedDevice("", stranger.external_id, "", gateway.id, corpus.network, stranger.corpus)
        wrapped = self._wrap(device, self._case(device), now_ms)
        return self._send(Kind.UNKNOWN, device, wrapped, now_ms)

    def _undecodable(self, now_ms: int) -> Sending:
        """A payload cut off after two bytes: no device's whole message."""
        device = self._turn()
        case = self._case(device)
        return self._send(
            Kind.UNDECODABLE, device, self._wrap(device, case, now_ms, data=case.payload[:2]), now_ms
        )

    def _repeated(self, now_ms: int) -> Sending | None:
        """The network delivers the same message again, as it does after a lost acknowledgement."""
        while self._recent and now_ms - self._recent[0].at_ms > REPEAT_BEFORE_MS:
            self._recent.popleft()
        if not self._recent or now_ms - self._recent[0].at_ms < REPEAT_AFTER_MS:
            return None
        first = self._recent.popleft()
        return self._send(Kind.REPEATED, first.device, first.wrapped, now_ms)

    def _event(self, now_ms: int) -> Sending | None:
        able = [d for d in self._seed.devices if d.network in (Network.CHIRPSTACK, Network.THINGS_STACK)]
        if not able:
            return None
        device = self._random.choice(able)
        message = self._corpora[device.corpus].cases[0].message
        dedup_id = self._dedup_id()
        if device.network is Network.CHIRPSTACK:
            event, body = self._random.choice([("join", join(message)), ("status", status(message))])
            wrapped = chirpstack.wrap(
                body, external_id=device.external_id, at_ms=now_ms, counter=0, dedup_id=dedup_id, event=event
            )
        else:
            wrapped = things_stack.wrap(
                join_accept(message),
                external_id=device.external_id,
                at_ms=now_ms,
                counter=0,
                dedup_id=dedup_id,
            )
        return self._send(Kind.EVENT, device, wrapped, now_ms)

    def _turn(self) -> SeedDevice:
        self._turns.rotate(-1)
        return self._turns[0]

    def _case(self, device: SeedDevice) -> Case:
        cases = self._corpora[device.corpus].cases
        self._cases[device.external_id] += 1
        return cases[self._cases[device.external_id] % len(cases)]

    def _wrap(self, device: SeedDevice, case: Case, now_ms: int, data: bytes | None = None) -> Wrapped:
        counter = max(self._counters.get(device.external_id, 0) + 1, now_ms // COUNTER_MS)
        self._counters[device.external_id] = counter
        counter %= 2**32
        if device.network is Network.NATIVE:
            return native.wrap(
                case.payload if data is None else data,
                external_id=device.external_id,
                at_ms=now_ms,
                counter=counter,
                f_port=case.f_port,
            )
        return WRAP[device.network](
            case.message,
            external_id=device.external_id,
            at_ms=now_ms,
            counter=counter,
            dedup_id=self._dedup_id(),
            data=data,
        )

    def _dedup_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _send(
        self, kind: Kind, device: SeedDevice, wrapped: Wrapped, now_ms: int, secret: bytes | None = None
    ) -> Sending:
        gateway = self._seed.gateway(device.gateway)
        if gateway.authentication is Authentication.TOPIC:
            return Sending(kind, gateway.topic or "", wrapped.key, wrapped.value, wrapped.headers)
        proven = signed(gateway, device, wrapped, now_ms, secret)
        return Sending(kind, topics.RAW, proven.key, proven.value, proven.headers)

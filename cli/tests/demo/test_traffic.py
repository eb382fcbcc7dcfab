"""What the simulator sends, record by record, without a broker."""

from collections import Counter
from random import Random

import pytest

from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.seed import Seed
from treaty_cli.demo.traffic import ROUND, Kind, Sending, Traffic
from treaty_events.headers import header
from treaty_events.networks import NetworkEvent, NetworkUplink, Unwrapped, unwrap
from treaty_events.signing import verify

START = 1_767_323_045_678
COUNT = ROUND * 25
RATE_MS = 16


@pytest.fixture
def sent(seed: Seed, found: dict[str, Corpus]) -> list[tuple[int, Sending]]:
    traffic = Traffic(seed, found, Random(7))
    return [(now, traffic.next(now)) for now in range(START, START + COUNT * RATE_MS, RATE_MS)]


def opened(seed: Seed, sending: Sending) -> Unwrapped:
    slug = (header(sending.headers, "treaty-gateway") or b"").decode()
    by_topic = next((g for g in seed.gateways if g.topic == sending.topic), None)
    gateway = seed.gateway(slug) if by_topic is None else by_topic
    return unwrap(gateway.network, sending.value, sending.headers)


def test_every_kind_is_among_a_round(sent: list[tuple[int, Sending]]) -> None:
    counted = Counter(sending.kind for _, sending in sent[ROUND * 5 :])
    rounds = COUNT // ROUND - 5
    assert counted[Kind.REPEATED] == 2 * rounds
    assert {kind: counted[kind] for kind in (Kind.FORGED, Kind.UNKNOWN, Kind.UNDECODABLE, Kind.EVENT)} == {
        Kind.FORGED: rounds,
        Kind.UNKNOWN: rounds,
        Kind.UNDECODABLE: rounds,
        Kind.EVENT: rounds,
    }


def test_every_device_sends_every_one_of_its_uplinks(
    seed: Seed, found: dict[str, Corpus], sent: list[tuple[int, Sending]]
) -> None:
    payloads: dict[str, set[bytes]] = {}
    for _, sending in sent:
        if sending.kind is Kind.REGULAR:
            uplink = opened(seed, sending)
            assert isinstance(uplink, NetworkUplink)
            payloads.setdefault(uplink.external_id, set()).add(uplink.payload)
    assert payloads == {d.external_id: {c.payload for c in found[d.corpus].cases} for d in seed.devices}


def test_envelopes_are_fresh_and_counters_grow(seed: Seed, sent: list[tuple[int, Sending]]) -> None:
    last: dict[str, int] = {}
    dedup_ids = []
    for now, sending in sent:
        if sending.kind is not Kind.REGULAR:
            continue
        uplink = opened(seed, sending)
        assert isinstance(uplink, NetworkUplink)
        assert uplink.observed_at == now
        assert uplink.counter is not None
        assert uplink.counter > last.get(uplink.external_id, -1)
        last[uplink.external_id] = uplink.counter
        if uplink.dedup_id is not None:
            dedup_ids.append((uplink.external_id, uplink.dedup_id))
    assert len(dedup_ids) == len(set(dedup_ids))


def test_counters_go_on_after_a_restart(seed: Seed, found: dict[str, Corpus]) -> None:
    def counters(start: int) -> list[int]:
        traffic = Traffic(seed, found, Random(1))
        made = [opened(seed, traffic.next(start + n * RATE_MS)) for n in range(200)]
        return [m.counter for m in made if isinstance(m, NetworkUplink) and m.counter is not None]

    assert max(counters(START)) < min(counters(START + 200 * RATE_MS + 1000))


def test_a_topics_gateway_gets_the_message_as_its_network_writes_it(
    sent: list[tuple[int, Sending]],
) -> None:
    chirpstack = [s for _, s in sent if s.topic == "uplink.raw.north-chirpstack.v1"]
    ups = [s for s in chirpstack if s.headers == [("event", b"up")]]
    assert len(ups) > 50
    for sending in ups:
        assert sending.key is not None
        assert sending.key.startswith(b"application.")
        assert sending.key.endswith(b".event.up")
    assert {tuple(name for name, _ in s.headers) for s in chirpstack} == {("event",)}


def test_what_is_signed_verifies_unless_it_is_forged(seed: Seed, sent: list[tuple[int, Sending]]) -> None:
    keys = {d.external_id: d.key for d in seed.devices}
    judged = Counter()
    for now, sending in sent:
        if sending.topic != "uplink.raw.v1":
            assert sending.kind is not Kind.FORGED
            continue
        told = {name: (value or b"").decode() for name, value in sending.headers}
        gateway = seed.gateway(told["treaty-gateway"])
        by_device = gateway.secret is None
        secret = keys[told["treaty-device"]] if by_device else gateway.secret
        assert told["treaty-timestamp"] == str(now)
        valid = verify(
            (secret or "").encode(),
            told["treaty-signature"].encode(),
            gateway.slug,
            told["treaty-timestamp"],
            sending.value,
            device=told.get("treaty-device", ""),
        )
        assert valid == (sending.kind is not Kind.FORGED)
        judged[valid, by_device] += 1
    assert set(judged) == {(True, True), (True, False), (False, True), (False, False)}


def test_a_repeat_is_an_earlier_message_again_within_seconds(sent: list[tuple[int, Sending]]) -> None:
    first: dict[tuple[str, bytes], int] = {}
    for now, sending in sent:
        place = (sending.topic, sending.value + (header(sending.headers, "treaty-counter") or b""))
        if sending.kind is Kind.REPEATED:
            assert 800 <= now - first[place] <= 20_000
        else:
            assert place not in first
            first[place] = now


def test_the_undecodable_are_cut_and_the_unknown_nobodys(
    seed: Seed, found: dict[str, Corpus], sent: list[tuple[int, Sending]]
) -> None:
    known = {d.external_id for d in seed.devices}
    for _, sending in sent:
        if sending.kind is Kind.UNDECODABLE:
            uplink = opened(seed, sending)
            assert isinstance(uplink, NetworkUplink)
            assert len(uplink.payload) == 2
            assert uplink.external_id in known
        if sending.kind is Kind.UNKNOWN:
            uplink = opened(seed, sending)
            assert isinstance(uplink, NetworkUplink)
            assert uplink.external_id == "b0000000000000ff"
        if sending.kind is Kind.EVENT:
            event = opened(seed, sending)
            assert isinstance(event, NetworkEvent)
            assert event.kind in ("joined", "status_reported")
            assert event.external_id in known


def test_the_same_random_choices_give_the_same_traffic(seed: Seed, found: dict[str, Corpus]) -> None:
    one, other = (Traffic(seed, found, Random(3)) for _ in range(2))
    assert [one.next(START + n) for n in range(100)] == [other.next(START + n) for n in range(100)]


def test_a_fleet_without_secrets_or_strangers_sends_regular_uplinks_instead(
    seed: Seed, found: dict[str, Corpus]
) -> None:
    loriot = tuple(d for d in seed.devices if d.gateway == "south-loriot")
    bare = Seed(**{name: getattr(seed, name) for name in Seed.__slots__} | {"devices": loriot, "unknown": ()})
    traffic = Traffic(bare, found, Random(1))
    kinds = {traffic.next(START + n).kind for n in range(ROUND)}
    assert kinds == {Kind.REGULAR, Kind.UNDECODABLE}

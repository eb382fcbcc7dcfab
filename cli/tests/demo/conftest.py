"""A demo workspace of every network and every kind of authentication, with all the corpora."""

from pathlib import Path

import pytest

from treaty_cli.demo import corpora
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.seed import Seed, SeedDevice, SeedGateway, Stranger
from treaty_events.fleet import Authentication
from treaty_events.networks import Network

PLUGINS = Path(__file__).parents[3] / "plugins"
WORKSPACE = "11111111-0000-4000-8000-000000000000"
MODELS = {
    "decentlab-dl-iam": "decentlab/dl-iam",
    "decentlab-dl-pm": "decentlab/dl-pm",
    "milesight-am307": "milesight-iot/am307",
    "milesight-ct101-ct103": "milesight-iot/ct101",
    "milesight-em300-mld": "milesight-iot/em300-mld",
    "milesight-em300-th": "milesight-iot/em300-th",
}


def gateway(number: int, slug: str, network: Network, authentication: Authentication) -> SeedGateway:
    topic = f"uplink.raw.{slug}.v1" if authentication is Authentication.TOPIC else None
    secret = f"secret of {slug}" if authentication is Authentication.SIGNATURE else None
    return SeedGateway(f"22222222-0000-4000-8000-{number:012}", slug, network, authentication, topic, secret)


GATEWAYS = (
    gateway(1, "north-chirpstack", Network.CHIRPSTACK, Authentication.TOPIC),
    gateway(2, "south-loriot", Network.LORIOT, Authentication.TOPIC),
    gateway(3, "east-things", Network.THINGS_STACK, Authentication.SIGNATURE),
    gateway(4, "west-edge", Network.NATIVE, Authentication.SIGNATURE),
    gateway(5, "fleet", Network.NATIVE, Authentication.DEVICE_KEY),
)
SOURCES = {
    "north-chirpstack": "chirpstack",
    "south-loriot": "loriot",
    "east-things": "thingsstackcommunity",
    "west-edge": "chirpstack",
    "fleet": "loriot",
}


def devices() -> tuple[SeedDevice, ...]:
    found = []
    for one in GATEWAYS:
        for name, model in MODELS.items():
            number = len(found) + 1
            found.append(
                SeedDevice(
                    id=f"33333333-0000-4000-8000-{number:012}",
                    external_id=f"a0000000000000{number:02x}",
                    model=model,
                    gateway=one.slug,
                    network=one.network,
                    corpus=f"{name}.{SOURCES[one.slug]}",
                    key=f"key {number}" if one.authentication is Authentication.DEVICE_KEY else None,
                )
            )
    return tuple(found)


SEED = Seed(
    workspace=WORKSPACE,
    token="t",
    push_url="http://127.0.0.1:1",
    registry_url="http://127.0.0.1:2",
    bootstrap_servers="127.0.0.1:3",
    gateways=GATEWAYS,
    devices=devices(),
    unknown=(Stranger("b0000000000000ff", "netvox-r718n3.thingsstackindustries"),),
)


@pytest.fixture
def seed() -> Seed:
    return SEED


@pytest.fixture(scope="session")
def found() -> dict[str, Corpus]:
    return corpora.load({d.corpus for d in SEED.devices} | {u.corpus for u in SEED.unknown}, PLUGINS)

"""The demo's fleet: every network, every proof, every file of real uplinks, and an EUI for each device."""

from __future__ import annotations

from pathlib import Path

from treaty_cli.demo import fleet
from treaty_cli.demo.hints import hints
from treaty_cli.demo.seed import Seed
from treaty_cli.home import Home, Running
from treaty_contracts import load
from treaty_events.fleet import Authentication
from treaty_events.networks import Network

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_there_is_a_gateway_of_every_network_and_every_proof():
    assert {gateway.network for gateway in fleet.GATEWAYS} == set(Network)
    assert {gateway.authentication for gateway in fleet.GATEWAYS} == set(Authentication)


def test_every_file_of_real_uplinks_is_sent():
    files = {path.stem for path in PLUGINS.glob("*/vectors/uplinks/*.json")}
    assert {device.corpus for device in fleet.DEVICES} == files


def test_every_device_has_an_address_of_its_own_that_nobody_owns():
    ids = [device.external_id for device in fleet.DEVICES] + [id for id, _ in fleet.STRANGERS]
    assert len(set(ids)) == len(ids)
    for id in ids:
        assert len(bytes.fromhex(id)) == 8
        assert bytes.fromhex(id)[0] & 0b11 == 0b10


def test_every_model_is_one_that_a_shipped_plugin_serves():
    served = {model for path in PLUGINS.glob("*/contract.yaml") for model in load(path.parent).models}
    assert {device.model for device in fleet.DEVICES} <= served


def test_the_hints_name_what_is_running_and_never_a_token_in_a_command(tmp_path):
    home = Home(tmp_path)
    urls = {name: f"http://127.0.0.1:{n}" for n, name in enumerate(("push", "registry", "governance"), 8080)}
    home.remember(Running(1, "127.0.0.1:9092", "", "", urls))
    shown = hints(home, Seed("w1", "a-token", urls["push"], urls["registry"], "127.0.0.1:9092", (), ()))
    assert f"--home {tmp_path} uplink send" in shown
    assert "ws://127.0.0.1:8080/v1/stream" in shown
    assert "http://127.0.0.1:8081/v1/workspaces/w1/state" in shown
    assert shown.count("a-token") == 2

"""What a worker hosts: packages that the engine admits here, as they were when it did."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from treaty_contracts import Policy, check
from treaty_normalization.plugins import find
from treaty_normalization.settings import Settings

CONTRACT = """
contract: treaty/v1
plugin: {name}
version: 1.0.0
owner: Acme
licence: Apache-2.0
description: One.
language: python
entry: {{decode: "decoder:decode"}}
models: [acme/one]
networks: [native]
content_types: [application/octet-stream]
emits:
  measurements:
    air_temperature: {{quantity: temperature, unit: Cel}}
"""
DECODER = """
from treaty import Decoded, DecodeError, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != 1:
        raise DecodeError("one byte expected")
    return [Reading({"air_temperature": float(uplink.payload[0])})]
"""
Maker = Callable[..., Path]
judge = partial(check, policy=Policy())


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def make(folder: str, name: str | None = None, decoder: str = DECODER) -> Path:
        path = tmp_path / folder
        path.mkdir()
        (path / "contract.yaml").write_text(CONTRACT.format(name=name or folder))
        (path / "decoder.py").write_text(decoder)
        return path

    return make


def test_admitted_packages_are_hosted_with_their_digest_and_bytes(make: Maker, tmp_path: Path) -> None:
    path = make("acme")
    plugins, rejected = find(tmp_path, lambda _: True, judge)
    assert rejected == []
    found = plugins["acme"]
    assert found.digest == check(path).digest
    assert found.files["decoder.py"] == DECODER.encode()


def test_a_refused_package_is_rejected_with_its_first_finding(make: Maker, tmp_path: Path) -> None:
    make("acme")
    make("broken", decoder="import socket\n" + DECODER)
    plugins, rejected = find(tmp_path, lambda _: True, judge)
    assert list(plugins) == ["acme"]
    assert [one.folder for one in rejected] == ["broken"]
    assert rejected[0].why


def test_two_folders_of_one_plugin_are_not_both_hosted(make: Maker, tmp_path: Path) -> None:
    make("acme")
    make("copy", name="acme")
    plugins, rejected = find(tmp_path, lambda _: True, judge)
    assert list(plugins) == ["acme"]
    assert rejected[0].why == "another folder has a plugin named acme too"


def test_a_folder_that_changes_while_it_is_judged_is_rejected(make: Maker, tmp_path: Path) -> None:
    path = make("acme")

    def meddle(of: Path):  # type: ignore[no-untyped-def]
        (path / "decoder.py").write_text((path / "decoder.py").read_text() + "\n")
        return judge(of)

    plugins, rejected = find(tmp_path, lambda _: True, meddle)
    assert plugins == {}
    assert rejected[0].why == "its files change while they are judged"


def test_patterns_choose_the_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("TREATY_PLUGINS", "decentlab, milesight-*")
    settings = Settings()  # type: ignore[call-arg]
    names = ["decentlab", "milesight-em300", "netvox"]
    assert [settings.hosts(name) for name in names] == [True, True, False]

from dataclasses import replace
from pathlib import Path

import pytest

from treaty_cli.demo.seed import Seed, SeedError, load
from treaty_events import codec


def test_a_seed_file_is_read(seed: Seed, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_bytes(codec.encode(seed))
    assert load(tmp_path / "demo.json") == seed


def test_a_gateway_is_known_by_id_and_by_slug(seed: Seed) -> None:
    assert seed.gateway("fleet") is seed.gateway(seed.gateway("fleet").id)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "treaty demo"),
        (b"{", "truncated"),
        (b"{}", "workspace"),
        (b'{"workspace": 1}', r"\$.workspace"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path: Path, body: bytes | None, said: str) -> None:
    if body is not None:
        (tmp_path / "demo.json").write_bytes(body)
    with pytest.raises(SeedError, match=said):
        load(tmp_path / "demo.json")


def test_a_device_of_no_gateway_or_without_a_key_is_said(seed: Seed, tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_bytes(codec.encode(replace(seed, gateways=())))
    with pytest.raises(SeedError, match="no gateway"):
        load(path)
    path.write_bytes(codec.encode(replace(seed, devices=tuple(replace(d, key=None) for d in seed.devices))))
    with pytest.raises(SeedError, match="nothing to sign with"):
        load(path)
    open_gateways = tuple(replace(g, topic=None) for g in seed.gateways)
    path.write_bytes(codec.encode(replace(seed, gateways=open_gateways)))
    with pytest.raises(SeedError, match="no topic"):
        load(path)

"""The secrets of an installation: made once, each where its reader looks."""

from __future__ import annotations

from pathlib import Path

from treaty_cli.home import Home, Running
from treaty_cli.jobs import secrets

WHERE = Running(0, "kafka:19092", "", "", {"registry": "http://device-registry:8081"})
DATABASE = "postgresql://treaty@postgres:5432/treaty"


def made(folder: Path) -> dict[str, str]:
    secrets.write(Home(folder / "home"), folder / "secrets", WHERE, DATABASE)
    files = sorted((folder / "secrets").rglob("*"))
    return {str(f.relative_to(folder / "secrets")): f.read_text() for f in files if f.is_file()}


def test_a_second_run_finds_what_the_first_one_made(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path)


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    assert one.keys() == other.keys()
    assert not {name for name in one if one[name] == other[name]}


def test_each_reader_has_its_own_and_no_more(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert set(found) == {
        "database/DATABASE_URL",
        "database/POSTGRES_PASSWORD",
        "ingestion/TREATY_SEALING_KEY",
        "registry/TREATY_DEV_CLIENT_SECRET",
        "registry/TREATY_SEALING_KEY",
        "registry/issuer.jwk",
        "tokens/jwks.json",
        "tokens/verdict-keys.pem",
    }
    assert '"d"' not in found["tokens/jwks.json"]
    assert found["ingestion/TREATY_SEALING_KEY"] == found["registry/TREATY_SEALING_KEY"]
    password = found["database/POSTGRES_PASSWORD"]
    assert found["database/DATABASE_URL"] == f"postgresql://treaty:{password}@postgres:5432/treaty"

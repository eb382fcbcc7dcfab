"""The fixtures: one server a run, whoever asks, and a fresh database a test."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
    import os
    from pathlib import Path

    import psycopg
    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_one_server(n, postgres, valkey):
        (Path({seen!r}) / f"{{os.getpid()}}-{{n}}").write_text(postgres.url + " " + valkey.url)

    @pytest.mark.parametrize("n", range(4))
    def test_a_database_of_its_own(n, database):
        with psycopg.connect(database.url) as connection:
            connection.execute("CREATE TABLE mine (n int)")
"""


def test_all_workers_share_the_run_s_servers(pytester, tmp_path):
    seen = tmp_path / "seen"
    seen.mkdir()
    pytester.makepyfile(TESTS.format(seen=str(seen)))
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=8)
    notes = list(seen.iterdir())
    assert len({note.name.split("-")[0] for note in notes}) == 2
    assert len({note.read_text() for note in notes}) == 1


def test_without_workers_it_is_the_same(pytester, tmp_path):
    pytester.makepyfile(TESTS.format(seen=str(tmp_path)))
    pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:cacheprovider").assert_outcomes(passed=8)


@pytest.mark.parametrize(
    ("fixture", "attribute", "variable", "address"),
    [
        ("kafka", "bootstrap_servers", "KAFKA_BOOTSTRAP_SERVERS", "broker.example:9092"),
        ("postgres", "url", "DATABASE_URL", "postgresql://db.example/treaty"),
        ("valkey", "url", "REDIS_URL", "redis://cache.example:6379/0"),
    ],
)
def test_the_environment_points_elsewhere(pytester, monkeypatch, fixture, attribute, variable, address):
    monkeypatch.setenv(variable, address)
    pytester.makepyfile(f"def test_elsewhere({fixture}): assert {fixture}.{attribute} == {address!r}")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)

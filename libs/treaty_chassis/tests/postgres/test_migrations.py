import asyncio
from pathlib import Path

from sqlalchemy import create_engine, text

from treaty_chassis.postgres import migrations
from treaty_chassis.postgres.engine import sqlalchemy_url
from treaty_chassis.postgres.readiness import ready

SCRIPTS = Path(__file__).with_name("scripts")


async def test_migrations_run_twice_and_at_once(database):
    assert "revision none, 0001 needed" in ready(database.url, SCRIPTS, "sample")
    await asyncio.gather(
        *(asyncio.to_thread(migrations.upgrade, database.url, SCRIPTS, "sample") for _ in range(3))
    )
    migrations.upgrade(database.url, SCRIPTS, "sample")
    engine = create_engine(sqlalchemy_url(database.url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sample.thing")) == 0
    engine.dispose()
    assert ready(database.url, SCRIPTS, "sample") is None
    assert "does not answer" in ready("postgresql://nobody@127.0.0.1:1/none", SCRIPTS, "sample")

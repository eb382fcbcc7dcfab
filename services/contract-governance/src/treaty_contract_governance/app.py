"""Wires the service; nothing connects before `serve` runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_chassis.http import outbox, probes, problems, reference, server
from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.limits import BodyLimit
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.http.tracing import traced
from treaty_chassis.kafka import topics
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.readiness import ready
from treaty_chassis.postgres.relay import Relay
from treaty_chassis.probes import Check, remembered
from treaty_chassis.tracing.setup import close, start
from treaty_contract_governance import plugins, subjects
from treaty_contract_governance.plugins.attestations import Attestations
from treaty_contract_governance.plugins.provisioning import Provisioning
from treaty_contract_governance.plugins.reports import Reports
from treaty_contract_governance.plugins.resending import routes as resend_routes
from treaty_contract_governance.plugins.routes import routes as plugin_routes
from treaty_contract_governance.plugins.signatures import SignerPolicy, Signers
from treaty_contract_governance.plugins.store import Decisions
from treaty_contract_governance.settings import Settings
from treaty_contract_governance.subjects.answers import install as install_faults
from treaty_contract_governance.subjects.own import register_own
from treaty_contract_governance.subjects.routes import routes as subject_routes
from treaty_contract_governance.subjects.store import Subjects
from treaty_contract_governance.tables import MIGRATIONS, OUTBOX, SCHEMA
from treaty_contract_governance.watching.broker import Watching
from treaty_contract_governance.watching.store import Watched
from treaty_events.topics import standing_topics

__all__ = ["StartError", "StoppedError", "api", "serve"]

BODY_LIMIT = 4_000_000
START_S = 30


class StoppedError(RuntimeError):
    """A part stopped for good; the process has to be started anew."""


class StartError(RuntimeError):
    """The service cannot do its job as things stand; the message says what is missing."""


def api(
    engine: AsyncEngine,
    bearer: Bearer,
    wake: Callable[[], None],
    checks: Mapping[str, Check],
    signers: Signers,
) -> FastAPI:
    """The HTTP interface over a database."""
    app = FastAPI(
        title="Treaty contract governance",
        version="1",
        description="\n\n".join(part.__doc__ or "" for part in (plugins, subjects)),
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    reference.install(app)
    install_faults(app)
    documented = [Security(HTTPBearer(bearerFormat="JWT", auto_error=False))]
    app.include_router(
        plugin_routes(Decisions(engine), Reports(engine), Attestations(engine), bearer, wake, signers),
        dependencies=documented,
    )
    app.include_router(resend_routes(Decisions(engine), bearer), dependencies=documented)
    app.include_router(subject_routes(Subjects(engine), bearer), dependencies=documented)

    async def transaction() -> AsyncIterator[AsyncConnection]:
        async with engine.begin() as connection:
            yield connection

    app.include_router(
        outbox.routes(OUTBOX, Depends(transaction, scope="function"), Depends(bearer)),
        dependencies=documented,
    )
    probes.install(app, checks)
    app.add_middleware(BodyLimit, limit=BODY_LIMIT)
    return app


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises StartError at once where it cannot do its job, and what stopped
    it later."""
    tracing = start("contract-governance")
    bearer = Bearer(TokenVerifier(settings.jwks_file, settings.issuer, settings.audience))
    signers = Signers(SignerPolicy(settings.verdict_signatures), settings.verdict_keys_file)
    bound = server.bind(settings.http_host, settings.http_port)
    engine = create_engine(settings.database_url, "contract-governance")
    database = partial(ready, settings.database_url, MIGRATIONS, SCHEMA)
    # A database that is slow to answer is there.
    wrong = await asyncio.to_thread(partial(database, within_s=START_S))
    if wrong is not None:
        raise StartError(wrong)
    admin = topics.admin(settings.kafka_bootstrap_servers)
    await asyncio.to_thread(topics.apply, admin, standing_topics())
    await register_own(Subjects(engine))
    loop, failed = asyncio.get_running_loop(), asyncio.Event()

    def fail(error: Exception) -> None:
        loop.call_soon_threadsafe(failed.set)

    relay = Relay(OUTBOX, settings.database_url, settings.kafka_bootstrap_servers, on_failure=fail)
    provisioning = Provisioning(Decisions(engine), admin, settings.accepted_partitions)
    watching = Watching(settings.kafka_bootstrap_servers, settings.slot, Watched(engine), provisioning.wake)
    checks: dict[str, Check] = {
        "database": remembered(database),
        "relay": relay.check,
        "topics": provisioning.check,
        "views": watching.check,
    }
    relay.start()
    tasks = [asyncio.create_task(provisioning.run()), asyncio.create_task(watching.run())]
    ends = [asyncio.create_task(server.until_stopped()), asyncio.create_task(failed.wait())]
    try:
        app = traced(api(engine, bearer, provisioning.wake, checks, signers), tracing)
        async with server.serving(app, bound):
            waited: list[asyncio.Future[Any]] = [*ends, *tasks, watching.failed]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*tasks, *ends):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(relay.stop)
        await engine.dispose()
        await asyncio.to_thread(close, tracing)
    for end in ended:
        if isinstance(end, Exception):
            raise end
    if watching.failed.done():
        await watching.failed
    if failed.is_set():
        raise StoppedError("the outbox's relay has failed, the log says why")

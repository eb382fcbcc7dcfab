"""Wires the API process: routes, the outbox's relay and the inbox. Nothing connects before `serve` runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

import structlog
from confluent_kafka import KafkaException
from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from treaty_chassis.http import outbox, probes, problems, reference, server
from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.limits import BodyLimit
from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.http.tracing import traced
from treaty_chassis.kafka.topics import admin, apply
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.projection import Projection
from treaty_chassis.postgres.readiness import ready
from treaty_chassis.postgres.relay import Relay
from treaty_chassis.probes import Check, remembered
from treaty_chassis.sealing import SealingKey
from treaty_chassis.tracing.setup import close, start
from treaty_device_registry.access import CALLER, TRANSACTION, Resources
from treaty_device_registry.commands.projection import PROJECTION as COMMANDS
from treaty_device_registry.commands.projection import Commands
from treaty_device_registry.commands.routes import router as command_routes
from treaty_device_registry.database import OUTBOX
from treaty_device_registry.fleet.routes import router as fleet_routes
from treaty_device_registry.identity.model import DevIssuer
from treaty_device_registry.identity.routes import router as issuer_routes
from treaty_device_registry.inbox.bounds import Bounds
from treaty_device_registry.inbox.projection import Inbox
from treaty_device_registry.inbox.routes import router as inbox_routes
from treaty_device_registry.ratelimit import RateLimit
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_device_registry.settings import ApiSettings
from treaty_device_registry.telemetry.routes import router as telemetry_routes
from treaty_events.topics import raw_topic, standing_topics

__all__ = ["api", "serve"]

log = structlog.get_logger(__name__)
BODY_LIMIT = 1_000_000
TOKENS_PER_MINUTE = 60


def api(
    resources: Resources,
    checks: Mapping[str, Check],
    *,
    issuer: DevIssuer | None = None,
    issuer_limit: RateLimit | None = None,
    origins: list[str] | None = None,
) -> FastAPI:
    """The HTTP interface."""
    app = FastAPI(
        title="Treaty device registry",
        version="1",
        summary="Workspaces, sites, gateways, device models, devices; their state, history and inbox.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.resources = resources
    problems.install(app)
    reference.install(app)
    for router in (fleet_routes, telemetry_routes, inbox_routes, command_routes):
        app.include_router(router)
    app.include_router(outbox.routes(OUTBOX, TRANSACTION, CALLER))
    if issuer is not None and issuer_limit is not None:
        app.include_router(issuer_routes(issuer, issuer_limit))
    app.exception_handler(OperationalError)(_without_database)
    app.exception_handler(TimeoutError)(_without_database)
    app.exception_handler(KafkaException)(_without_kafka)
    probes.install(app, checks)
    app.add_middleware(BodyLimit, limit=BODY_LIMIT)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key"],
            expose_headers=["ETag", "Location", "Retry-After"],
        )
    return app


async def serve(settings: ApiSettings) -> int:
    """Runs until SIGTERM: 0; or until the inbox or the relay has failed for good, which the log explains: 1.
    Raises what cannot be mended by waiting: settings, keys, a port in use."""
    tracing = start("device-registry")
    loop, failed = asyncio.get_running_loop(), asyncio.Event()

    def fail(error: Exception) -> None:
        loop.call_soon_threadsafe(failed.set)

    verifier = TokenVerifier(settings.jwks_file, settings.issuer, settings.audience)
    issuer = _issuer(settings, verifier)
    redis, url = settings.redis_url.get_secret_value(), settings.database_url.get_secret_value()
    kafka = settings.kafka_bootstrap_servers
    relay = Relay(OUTBOX, url, kafka, on_failure=fail)
    inbox = Inbox(Bounds(settings.inbox_uplinks, settings.inbox_bytes))
    parking = Projection(
        "inbox",
        SCHEMA,
        inbox.topics,
        inbox.apply,
        idle=inbox.idle,
        database_url=url,
        bootstrap_servers=kafka,
        accept_loss=settings.accept_loss,
        on_failure=fail,
    )
    commands = Commands()
    following = Projection(
        COMMANDS,
        SCHEMA,
        commands.topics,
        commands.apply,
        idle=commands.idle,
        database_url=url,
        bootstrap_servers=kafka,
        accept_loss=settings.accept_loss,
        on_failure=fail,
    )
    topics = _Topics(kafka)
    engine: AsyncEngine = create_engine(url, "device-registry")
    resources = Resources(
        sessions=async_sessionmaker(engine, expire_on_commit=False),
        bearer=Bearer(verifier),
        limit=RateLimit(redis, settings.requests_per_minute),
        sealing_key=SealingKey.parse(settings.sealing_key.get_secret_value()),
        create_topic=topics.of_gateway,
        gateway_topics=settings.gateway_topics,
    )
    checks: dict[str, Check] = {
        "database": remembered(partial(ready, url, MIGRATIONS, SCHEMA)),
        "topics": topics.check,
        "outbox": relay.check,
        "inbox": parking.check,
        "commands": following.check,
    }
    issuer_limit = RateLimit(redis, TOKENS_PER_MINUTE, "issuer")
    app = api(resources, checks, issuer=issuer, issuer_limit=issuer_limit, origins=settings.origins)
    bound = server.bind(settings.http_host, settings.http_port)
    making = asyncio.create_task(topics.make())
    ends = [asyncio.create_task(server.until_stopped()), asyncio.create_task(failed.wait())]
    relay.start()
    parking.start()
    following.start()
    try:
        async with server.serving(traced(app, tracing), bound):
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (making, *ends):
            task.cancel()
        await asyncio.to_thread(following.stop)
        await asyncio.to_thread(parking.stop)
        await asyncio.to_thread(relay.stop)
        await engine.dispose()
        await asyncio.to_thread(close, tracing)
    return 1 if failed.is_set() else 0


async def _without_database(request: Request, error: Exception) -> Response:
    log.error("database_failed", error=type(error).__name__, path=request.url.path)
    return problems.response(Problem(503, "the database does not answer", headers={"Retry-After": "2"}))


async def _without_kafka(request: Request, error: Exception) -> Response:
    log.error("kafka_failed", error=str(error), path=request.url.path)
    return problems.response(Problem(503, "Kafka does not answer", headers={"Retry-After": "5"}))


def _issuer(settings: ApiSettings, verifier: TokenVerifier) -> DevIssuer | None:
    if settings.dev_issuer_key_file is None or settings.dev_client_secret is None:
        return None
    issuer = DevIssuer(
        settings.dev_issuer_key_file,
        settings.issuer,
        settings.audience,
        settings.dev_client_id,
        settings.dev_client_secret.get_secret_value(),
    )
    issuer.trusted_by(verifier)
    log.warning("development_issuer_on", client_id=settings.dev_client_id)
    return issuer


class _Topics:
    """The platform's standing topics, made at the start and asked for again until they are there."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._wrong: str | None = "not made yet"

    def check(self) -> str | None:
        return self._wrong

    def of_gateway(self, slug: str) -> None:
        """Blocks. Raises KafkaException."""
        apply(admin(self._servers), [raw_topic(slug)])

    async def make(self) -> None:
        while self._wrong is not None:
            try:
                await asyncio.to_thread(self._make)
                self._wrong = None
            except KafkaException as error:
                self._wrong = f"Kafka: {error.args[0]}"
                log.warning("topics_not_made", error=self._wrong)
                await asyncio.sleep(1)

    def _make(self) -> None:
        apply(admin(self._servers), standing_topics())

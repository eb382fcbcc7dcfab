"""The whole platform: what depends on nothing starts side by side, the rest as soon as it can."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

from treaty_chassis.kafka import topics as kafka_topics
from treaty_cli import credentials
from treaty_cli.home import Home, Running
from treaty_cli.progress import Progress
from treaty_cli.up import services
from treaty_cli.up.backing import Backing
from treaty_cli.up.process import ServiceProcess, await_gone
from treaty_cli.up.supervisor import Supervisor
from treaty_embedded import StartError
from treaty_events import topics

__all__ = ["Platform"]

T = TypeVar("T")
_READY_S = 240.0
_ASKED_EVERY_S = 0.1
_MIGRATED_S = 180.0


class Platform:
    """Up between `start` and `stop`. Only one a home."""

    def __init__(self, home: Home, plugins: Path, progress: Progress) -> None:
        self.home = home
        self.plugins = plugins
        self._progress = progress
        self._backing = Backing(home, say=progress.trouble)
        self._services: dict[str, ServiceProcess] = {}
        self._waited: dict[str, Future[None]] = {}
        self._supervisor = Supervisor(progress.trouble)
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="start")
        self.kafka_is_new = False
        """Whether this start found a Kafka without the platform's topics."""

    def start(self) -> Running:
        """Returns when every service is started; `wait_ready` tells when they can do their jobs.

        Raises AddressError for what the environment names and can be no address, EmbeddedError with what
        refused, or what ended and the end of its log.
        """
        keys = credentials.ensure(self.home)
        for service in services.SERVICES:
            await_gone(service.name, self._log(service.name), partial(self._progress.trouble, service.name))
        # A port that was insisted on and is taken is told at once; free ones are chosen when they are used.
        services.addresses()
        _all(
            self._pool.submit(self._await_elsewhere, name)
            for name in self._backing.names()
            if not self._backing.embedded(name)
        )
        kafka, postgres, valkey = (
            self._pool.submit(self._start_server, name) for name in ("kafka", "postgres", "valkey")
        )
        postgres.result()
        valkey.result()
        migrated = [self._pool.submit(self._migrate, module) for module in services.MIGRATIONS]
        kafka.result()
        created = self._pool.submit(self._create_topics)
        _all([*migrated, created])
        ports = services.addresses()
        environment = services.environment(keys, self._backing.environment(), ports, self.plugins)
        for service in services.SERVICES:
            url = f"http://127.0.0.1:{ports[service.name]}"
            process = ServiceProcess(
                service.name,
                [service.module],
                self._log(service.name),
                environment | {"TREATY_HTTP_PORT": str(ports[service.name])},
                url,
            )
            self._services[service.name] = process
            process.start()
            self._waited[service.name] = self._pool.submit(self._wait_ready, process)
        running = Running(
            os.getpid(),
            self._backing.address("kafka"),
            self._backing.address("postgres"),
            self._backing.address("valkey"),
            {name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
        )
        self.home.remember(running)
        return running

    def _log(self, name: str) -> Path:
        return self.home.folder("logs") / f"{name}.log"

    def _await_elsewhere(self, name: str) -> None:
        self._backing.await_elsewhere(name, partial(self._progress.trouble, name))

    def _start_server(self, name: str) -> None:
        begun = time.monotonic()
        self._backing.start(name)
        where = "embedded" if self._backing.embedded(name) else "elsewhere, as the environment says"
        self._progress.step(name, f"{time.monotonic() - begun:.1f} s, {where}")

    def _migrate(self, module: str) -> None:
        name = module.split(".", maxsplit=1)[0].removeprefix("treaty_").replace("_", "-")
        process = ServiceProcess(
            f"migration of {name}",
            [module],
            self.home.folder("logs") / f"{name}-migration.log",
            os.environ | self._backing.environment(),
        )
        process.start()
        if process.wait(_MIGRATED_S) != 0:
            process.kill()
            raise StartError(f"{process.name} {process.ending()}\n{process.tail()}")
        self._progress.step(name, "database schema is current")

    def _create_topics(self) -> None:
        wanted = topics.standing_topics()
        client = kafka_topics.admin(self._backing.address("kafka"))
        self.kafka_is_new = topics.CONTRACT_DECIDED not in kafka_topics.existing(client)
        for difference in kafka_topics.apply(client, wanted):
            self._progress.trouble(
                difference.topic,
                f"{difference.setting} is {difference.found}, expected {difference.expected}: left as it is",
            )
        self._progress.step("topics", f"{len(wanted)} there")

    def wait_ready(self, names: Sequence[str]) -> None:
        """Raises StartError with what is missing, or the log of a service that ended."""
        _all([self._waited[name] for name in names])

    def _wait_ready(self, service: ServiceProcess) -> None:
        name = service.name
        end = time.monotonic() + _READY_S
        while True:
            ready, detail = service.readiness()
            if ready:
                break
            if not service.alive():
                raise StartError(f"{name} {service.ending()} while starting\n{service.tail()}")
            if time.monotonic() > end:
                raise StartError(f"{name} is not ready after {_READY_S:.0f} s: {detail}\n{service.tail()}")
            time.sleep(_ASKED_EVERY_S)
        self._progress.step(name, f"ready at {service.url}")

    def supervise(self) -> None:
        """From now on what dies is started again, the embedded servers included."""
        for name, service in self._services.items():
            self._supervisor.keep(name, service, service.fenced)
        for name, server in self._backing.servers.items():
            self._supervisor.keep(name, server)

    def keep(self, name: str, process: ServiceProcess) -> None:
        """Something beside the platform that is started again when it dies."""
        self._supervisor.keep(name, process)

    def release(self, name: str) -> None:
        self._supervisor.release(name)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Something to do beside the starting."""
        return self._pool.submit(work)

    def stop(self) -> None:
        """Subscribers first, the log last. A part that does not end within its bound is killed."""
        self._supervisor.close()
        for names in services.STOPPING:
            stopping = [Thread(target=self._services[name].stop) for name in names if name in self._services]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
        self._backing.stop()
        self._pool.shutdown(cancel_futures=True)
        # What was still starting meanwhile.
        self._backing.stop()
        self._progress.step("platform", "stopped; its data stays")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def _all(futures: Iterable[Future[None]]) -> None:
    """The first that fails speaks."""
    for future in as_completed(list(futures)):
        future.result()

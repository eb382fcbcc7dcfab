"""The worker: wires plugins, decisions, children and the runner."""

from __future__ import annotations

import gc
import signal
from functools import partial

import structlog

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.follower import Follower
from treaty_chassis.kafka.runner import Runner
from treaty_chassis.kafka.spans import Spans, spans_of
from treaty_chassis.probes import Probes
from treaty_chassis.starting import started
from treaty_chassis.tracing.environment import TracingError
from treaty_chassis.tracing.setup import close, start
from treaty_contracts import Policy, check
from treaty_events.topics import accepted_topic, spec_of
from treaty_hotpath import COMPILED
from treaty_normalization.backlog import Backlog
from treaty_normalization.downlinks.together import Together, WithCommands
from treaty_normalization.downlinks.wiring import Downlinks
from treaty_normalization.gate import Gate
from treaty_normalization.hosting import Hosting
from treaty_normalization.metrics import Metrics
from treaty_normalization.notices import Notices
from treaty_normalization.plugins import Judge, Plugin
from treaty_normalization.readiness import Readiness
from treaty_normalization.settings import Settings
from treaty_normalization.shelf import Shelf, ShelfError
from treaty_normalization.work import NormalizationWork
from treaty_sandbox import Template

__all__ = ["main"]

log = structlog.get_logger(__name__)


def main(judge: Judge | None = None) -> int:
    """Until SIGTERM or SIGINT, or until nothing but a new process can help; the exit status. `judge` is the
    contract engine unless another is given."""
    return started("normalization", Settings, partial(_start, judge), ShelfError, TracingError)


def _start(judge: Judge | None, settings: Settings) -> int:
    shelf = Shelf(settings.plugins_dir, settings.patterns)
    shelf.look()
    shelf.require()
    tracing = start("normalization")
    try:
        return _run(settings, shelf, judge, spans_of(tracing, settings.group, settings.slot))
    finally:
        close(tracing)


def _run(settings: Settings, shelf: Shelf, judge: Judge | None, spans: Spans) -> int:
    template = Template()
    template.start()
    metrics = Metrics()
    notices = Notices(settings.kafka_bootstrap_servers, settings.slot)
    hostings: dict[str, Hosting] = {}
    work = NormalizationWork({}, metrics)
    downlinks = Downlinks(settings.kafka_bootstrap_servers, settings.slot, template, settings.sandbox)
    runner = Runner(
        ConfluentClient(settings.kafka_bootstrap_servers, settings.group, settings.slot, settings.delivery),
        Together(work, downlinks.work),
        _limit,
        spans=spans,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())

    def host(plugin: Plugin) -> None:
        notices.attest(plugin)
        downlinks.host(plugin)
        held = hostings.get(plugin.name)
        if held is not None:
            held.upgrade(plugin)
            return
        hosting = Hosting(
            plugin,
            template,
            settings.sandbox,
            settings.slot,
            metrics,
            watch=settings.watch,
            tell=notices.tell,
        )
        hostings[plugin.name] = hosting
        work.host(accepted_topic(plugin.name).name, hosting)

    judged = judge or partial(check, policy=Policy(sandbox=settings.sandbox.value))
    gate = Gate(
        WithCommands(runner, downlinks.work),
        shelf,
        judged,
        host,
        lost=notices.tell,
        rehash_s=settings.recheck_s,
    )
    follower = Follower(
        settings.kafka_bootstrap_servers,
        f"{settings.group}-{settings.slot}",
        [gate.view],
        on_failure=runner.fail,
    )
    backlog = Backlog(
        settings.kafka_bootstrap_servers,
        settings.group,
        settings.slot,
        runner.suspended,
        lambda: {accepted_topic(name).name: name for name in list(hostings)},
        metrics,
    )
    checks = Readiness({"decisions": follower.check, "runner": runner.check}, shelf, gate, hostings)
    probes = Probes(settings.http_host, settings.http_port, checks).start()
    log.info("worker started", plugins=len(shelf.names), port=probes.port, compiled=COMPILED)
    gc.collect()
    gc.freeze()  # what is here stays: it need not be looked at again and again
    follower.start()
    gate.open(follower.wait, runner.fail)
    backlog.start()
    try:
        return runner.run()
    finally:
        gate.close()
        backlog.close()
        follower.close()
        for hosting in hostings.values():
            hosting.rest()
        downlinks.close()
        template.close()
        notices.close()
        probes.close()


def _limit(topic: str) -> int:
    spec = spec_of(topic)
    if spec is None:
        raise ValueError(f"{topic} is none of the platform's topics")
    return spec.max_message

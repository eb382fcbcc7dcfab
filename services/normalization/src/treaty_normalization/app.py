"""The worker: wires plugins, decisions, children and the runner."""

from __future__ import annotations

import gc
import signal
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.follower import Follower
from treaty_chassis.kafka.runner import Runner
from treaty_chassis.probes import Check, Probes
from treaty_chassis.telemetry import configure_logging
from treaty_contracts import Policy, check
from treaty_contracts.probe.channel import close_templates
from treaty_events.topics import accepted_topic, spec_of
from treaty_normalization.gate import Gate
from treaty_normalization.hosting import Hosting
from treaty_normalization.metrics import Metrics
from treaty_normalization.plugins import Rejected, find
from treaty_normalization.settings import Settings
from treaty_normalization.work import NormalizationWork
from treaty_sandbox import Template

__all__ = ["main"]

log = structlog.get_logger(__name__)


def main() -> int:
    """Until SIGTERM or SIGINT, or until nothing but a new process can help; the exit status."""
    settings = Settings()  # type: ignore[call-arg]
    configure_logging("normalization", settings.log_level)
    template = Template()
    template.start()
    judge = partial(check, policy=Policy(sandbox=settings.sandbox.value))
    plugins, rejected = find(settings.plugins_dir, settings.hosts, judge)
    close_templates()
    metrics = Metrics()
    hostings = {
        name: Hosting(plugin, template, settings.sandbox, settings.slot, metrics)
        for name, plugin in plugins.items()
    }
    work = NormalizationWork({accepted_topic(n).name: h for n, h in hostings.items()}, metrics)
    client = ConfluentClient(settings.kafka_bootstrap_servers, settings.group, settings.slot)
    runner = Runner(client, work, _limit)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    gate = Gate(runner, {name: plugin.digest for name, plugin in plugins.items()})
    follower = Follower(
        settings.kafka_bootstrap_servers,
        f"{settings.group}-{settings.slot}",
        [gate.view],
        on_failure=runner.fail,
    )
    checks = _checks(hostings, rejected, gate, {"decisions": follower.check, "runner": runner.check})
    probes = Probes(settings.http_host, settings.http_port, checks).start()
    log.info("worker started", plugins=sorted(plugins), port=probes.port)
    gc.collect()
    gc.freeze()  # what is here stays: it need not be looked at again and again
    follower.start()
    gate.open(follower.wait)
    try:
        return runner.run()
    finally:
        follower.close()
        for hosting in hostings.values():
            hosting.rest()
        template.close()
        probes.close()


def _checks(
    hostings: Mapping[str, Hosting], rejected: Sequence[Rejected], gate: Gate, others: Mapping[str, Check]
) -> dict[str, Check]:
    """Each plugin's child and decision, each folder that is none, and the machinery."""

    def hosted(name: str, hosting: Hosting) -> str | None:
        return hosting.check() or gate.objection(name)

    def none_hosted() -> str | None:
        return None if hostings else "no plugin to host"

    found: dict[str, Check] = {**others, "plugins": none_hosted}
    for name, hosting in hostings.items():
        found[f"plugin {name}"] = partial(hosted, name, hosting)
    for one in rejected:
        found[f"folder {one.folder}"] = partial(str, one.why)
    return found


def _limit(topic: str) -> int:
    spec = spec_of(topic)
    if spec is None:
        raise ValueError(f"{topic} is none of the platform's topics")
    return spec.max_message

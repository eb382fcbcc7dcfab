"""From nothing to a platform that can do its job: each step as soon as what it needs is there."""

from __future__ import annotations

from collections.abc import Callable

from treaty_cli import resending
from treaty_cli.api import Api
from treaty_cli.home import Running
from treaty_cli.packages import none_in
from treaty_cli.progress import Progress
from treaty_cli.up import admission
from treaty_cli.up.platform import Platform
from treaty_cli.up.services import SERVICES

__all__ = ["bring_up"]


def bring_up(platform: Platform, progress: Progress, furnish: Callable[[], None] | None = None) -> Running:
    """`furnish` runs once the registry answers, before everything is waited for.

    Raises AddressError, EmbeddedError, ApiError.
    """
    admission.check_signing(platform.home)
    judged = platform.submit(lambda: admission.judge(platform.plugins))
    running = platform.start()
    furnished = platform.submit(lambda: _furnish(platform, furnish))
    verdicts = judged.result()
    platform.wait_ready(["registry", "governance"])
    if platform.kafka_is_new:
        _resend(platform, progress)
    if verdicts:
        progress.step("plugins", admission.publish(platform.home, verdicts))
    else:
        progress.trouble("plugins", f"{none_in([platform.plugins])}; --plugins names another folder")
    furnished.result()
    platform.wait_ready([service.name for service in SERVICES])
    platform.supervise()
    return running


def _resend(platform: Platform, progress: Progress) -> None:
    """A Kafka that lost its data, with databases that did not: no worker is ready before it has been told."""
    sent = {}
    for service, topic in resending.TOPICS:
        with Api(platform.home, service) as api:
            sent[topic] = resending.resend(api, topic)
    if any(sent.values()):
        told = ", ".join(f"{count} of {topic}" for topic, count in sent.items())
        progress.step("kafka", f"is new, and was told again: {told}")


def _furnish(platform: Platform, furnish: Callable[[], None] | None) -> None:
    if furnish is not None:
        platform.wait_ready(["registry"])
        furnish()

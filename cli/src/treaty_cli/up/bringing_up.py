"""From nothing to a platform that can do its job: each step as soon as what it needs is there."""

from __future__ import annotations

from collections.abc import Callable

from treaty_cli.home import Running
from treaty_cli.progress import Progress
from treaty_cli.up import admission
from treaty_cli.up.platform import Platform
from treaty_cli.up.services import SERVICES

__all__ = ["bring_up"]


def bring_up(platform: Platform, progress: Progress, furnish: Callable[[], None] | None = None) -> Running:
    """`furnish` runs once the registry answers, before everything is waited for.

    Raises EmbeddedError, ApiError.
    """
    judged = platform.submit(lambda: admission.judge(platform.plugins))
    running = platform.start()
    furnished = platform.submit(lambda: _furnish(platform, furnish))
    verdicts = judged.result()
    platform.wait_ready(["registry", "governance"])
    progress.step("plugins", admission.publish(platform.home, verdicts))
    furnished.result()
    platform.wait_ready([service.name for service in SERVICES])
    platform.supervise()
    return running


def _furnish(platform: Platform, furnish: Callable[[], None] | None) -> None:
    if furnish is not None:
        platform.wait_ready(["registry"])
        furnish()

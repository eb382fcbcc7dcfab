"""Plugins are judged while the platform starts, and published as soon as governance answers."""

from __future__ import annotations

from pathlib import Path

from treaty_cli.api import Api
from treaty_cli.home import Home
from treaty_cli.packages import packages
from treaty_cli.publishing import publish_verdict
from treaty_contracts import Verdict, check
from treaty_embedded import StartError

__all__ = ["judge", "publish"]


def judge(plugins: Path) -> list[Verdict]:
    """Raises StartError naming the first plugin that its own contract does not admit."""
    verdicts = []
    for folder in packages([plugins]):
        verdict = check(folder)
        if not verdict.admitted_here:
            raise StartError(f"plugin {folder.name} is refused: `treaty plugin check {folder}` says why")
        verdicts.append(verdict)
    return verdicts


def publish(home: Home, verdicts: list[Verdict]) -> str:
    """The states governance gives them, in words. Raises ApiError."""
    with Api(home, "governance") as api:
        decisions = [publish_verdict(api, verdict) for verdict in verdicts]
    return ", ".join(f"{decision['plugin']} {decision['state']}" for decision in decisions)

"""`treaty demo`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treaty_cli.demo import attending
from treaty_cli.demo.hints import hints
from treaty_cli.home import Home, require_embedded
from treaty_cli.options import Json, Plugins
from treaty_cli.output import print_json, table
from treaty_cli.progress import Progress
from treaty_cli.up.interrupt import Interrupt, interruptible

if TYPE_CHECKING:
    from treaty_cli.demo.run import Demo

__all__ = ["demo_command"]

_TOKEN_REFRESHED_S = 300.0
_ATTENDED_S = 20.0


def demo_command(
    context: typer.Context,
    for_s: Annotated[
        float | None,
        typer.Option("--for", help="End after so many seconds of traffic, and reconcile.", min=1),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Reconcile at the end, after Ctrl-C too.")] = False,
    rate: Annotated[float, typer.Option(help="Uplinks a second.", min=1, max=500)] = 60.0,
    plugins: Plugins = Path("plugins"),
    as_json: Json = False,
) -> None:
    """Run the platform with a fleet that keeps sending real uplinks, until Ctrl-C or for a time.

    Reconciling compares, in another process, what was sent with what came of it. Exits 1 when anything is
    missing, twice or wrong. With --check, where the platform of this home runs already, its demo's traffic is
    reconciled as it flows, for 20 s unless --for says otherwise or Ctrl-C ends it; nothing is started or
    stopped.
    """
    home: Home = context.obj
    progress = Progress()
    if check and attending.running(home):
        with interruptible() as interrupt:
            found = attending.account(
                home, plugins.absolute(), for_s or _ATTENDED_S, progress, interrupt.wait
            )
        report, clean = found
        _show(report, as_json)
        raise typer.Exit(0 if clean else 1)
    require_embedded()
    # The embedded stack is no part of an installation that does not bring it up itself.
    from treaty_cli.demo.run import Demo  # noqa: PLC0415
    from treaty_cli.up.platform import Platform  # noqa: PLC0415

    accounted = check or for_s is not None
    with interruptible() as interrupt, Platform(home, plugins.absolute(), progress) as platform:
        demo = Demo(platform, progress, rate, accounted=accounted)
        with closing(demo):
            try:
                with interrupt.breaks():
                    seed = demo.start()
            except KeyboardInterrupt:
                raise typer.Exit(130) from None
            progress.plain(hints(home, seed))
            interrupted = _run(demo, interrupt, for_s)
            if accounted and (check or not interrupted):
                report, clean = demo.account()
                _show(report, as_json)
                raise typer.Exit(0 if clean else 1)
            if interrupted and for_s is not None:
                raise typer.Exit(130)


def _run(demo: Demo, interrupt: Interrupt, for_s: float | None) -> bool:
    """Whether a signal ended it."""
    left = for_s
    while left is None or left > 0:
        step = _TOKEN_REFRESHED_S if left is None else min(left, _TOKEN_REFRESHED_S)
        if interrupt.wait(step):
            return True
        left = None if left is None else left - step
        demo.refresh_token()
    return False


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    rows = []
    for name, value in report.items():
        told = ", ".join(f"{key} {n}" for key, n in value.items()) if isinstance(value, dict) else value
        rows.append((name.replace("_", " "), told))
    table(("", ""), rows)

"""`treaty up`."""

from __future__ import annotations

from pathlib import Path

import typer

from treaty_cli.home import Home, require_embedded
from treaty_cli.options import Json, Plugins
from treaty_cli.output import print_json
from treaty_cli.progress import Progress
from treaty_cli.up.interrupt import interruptible

__all__ = ["up_command"]


def up_command(context: typer.Context, plugins: Plugins = Path("plugins"), as_json: Json = False) -> None:
    """Run the whole platform in the foreground until Ctrl-C; its data stays for the next start.

    Data, keys and logs are in .treaty of this folder, or where --home before `up` says: treaty --home
    FOLDER up. The other commands find the platform by it, from the same folder. `treaty demo` is the same
    with devices that send.

    Kafka, PostgreSQL and Valkey are embedded unless KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL and REDIS_URL
    point elsewhere; those are asked first, and what they refuse is said.

    Ports are chosen free unless TREATY_<NAME>_PORT names one (KAFKA, POSTGRES, VALKEY, PUSH, REGISTRY,
    GOVERNANCE, INGESTION, NORMALIZATION, PROJECTOR).
    """
    require_embedded()
    # The embedded stack is no part of an installation that does not bring it up itself.
    from treaty_cli.up.bringing_up import bring_up  # noqa: PLC0415
    from treaty_cli.up.platform import Platform  # noqa: PLC0415

    home: Home = context.obj
    progress = Progress()
    with interruptible() as interrupt, Platform(home, plugins.absolute(), progress) as platform:
        try:
            with interrupt.breaks():
                running = bring_up(platform, progress)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        ready_s = round(progress.elapsed_s(), 1)
        progress.step("console", f"{running.urls['push']}/#token=$(treaty token)")
        progress.step("platform", f"ready after {ready_s} s; Ctrl-C stops it")
        if as_json:
            print_json({"ready_s": ready_s, "bootstrap_servers": running.bootstrap_servers, **running.urls})
        interrupt.wait()

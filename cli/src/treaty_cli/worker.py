"""`treaty worker`: plugin workers beside those of the platform, or instead of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from treaty_cli.home import Home
from treaty_cli.options import Plugins

__all__ = ["environments", "worker_command"]

_FENCED: Final = 73
_DRAIN_S: Final = 20.0
_LOOK_S: Final = 0.2


def environments(
    home: Home, plugins: str, folder: Path, slot: str, processes: int
) -> dict[str, dict[str, str]]:
    """By slot, what each process is told. Raises NotRunningError where the environment names no broker and
    no platform was brought up."""
    broker = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or home.running().bootstrap_servers
    shared = {
        "TREATY_SANDBOX": "best-effort",
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": broker,
        "TREATY_PLUGINS": plugins,
        "TREATY_PLUGINS_DIR": str(folder.absolute()),
        "TREATY_HTTP_PORT": "0",
    }
    slots = [slot] if processes == 1 else [f"{slot}-{number}" for number in range(processes)]
    return {name: shared | {"TREATY_SLOT": name} for name in slots}


def worker_command(
    context: typer.Context,
    plugins: Annotated[
        str, typer.Option(help="Names of plugins to host, shell patterns, commas between them.")
    ] = "*",
    folder: Plugins = Path("plugins"),
    slot: Annotated[str, typer.Option(help="The stable name of this worker, its own.")] = "extra",
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many; partitions divide them.")] = 1,
) -> None:
    """Run plugin workers in the foreground until Ctrl-C, which lets them commit what they hold.

    They join the platform's other workers: partitions of plugins are divided among all that host them, so
    several processes for one plugin need as many partitions of its topic (TREATY_ACCEPTED_PARTITIONS of
    governance, when the plugin comes into use). Each serves probes on a free port that its log names.
    """
    told = environments(context.obj, plugins, folder, slot, processes)
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "treaty_normalization"], env=environment, start_new_session=True
        )
        for name, environment in told.items()
    }
    codes = _until_one_ends(running)
    for name, code in codes.items():
        if code == _FENCED:
            typer.echo(
                f"treaty: slot {name} is another process's: give this one a --slot of its own", err=True
            )
    raise typer.Exit(max((code if code >= 0 else 128 - code for code in codes.values()), default=0))


def _until_one_ends(running: dict[str, subprocess.Popen[bytes]]) -> dict[str, int]:
    """Exit codes by slot: a signal, or one that ends, ends all of them."""
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(True))
    while not asked and all(process.poll() is None for process in running.values()):
        time.sleep(_LOOK_S)
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    end = time.monotonic() + _DRAIN_S
    for process in running.values():
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return {name: process.returncode for name, process in running.items()}

"""`treaty`: the control plane of a platform on this machine."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from treaty_cli import outbox, plugin, uplink
from treaty_cli.addresses import AddressError
from treaty_cli.api import ApiError
from treaty_cli.bench import OPTIONS_OF_ITS_OWN, bench_command
from treaty_cli.demo.command import demo_command
from treaty_cli.demo.seed import SeedError
from treaty_cli.home import Home, NotRunningError
from treaty_cli.installation import command as installation
from treaty_cli.installation.definitions import DefinitionsError
from treaty_cli.jobs import command as jobs
from treaty_cli.smoke import smoke_command
from treaty_cli.tokens import token_command
from treaty_cli.trace.command import trace_command
from treaty_cli.up.command import up_command
from treaty_cli.watch import watch_command
from treaty_cli.worker import worker_command

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One event stream and one device model for devices of many vendors.",
)
app.command("up")(up_command)
app.command("demo")(demo_command)
app.add_typer(plugin.app, name="plugin")
app.add_typer(uplink.app, name="uplink")
app.command("watch")(watch_command)
app.command("worker")(worker_command)
app.command("smoke")(smoke_command)
app.command("trace")(trace_command)
app.add_typer(jobs.app, name="job")
app.add_typer(outbox.app, name="outbox")
app.command("compose")(installation.compose_command)
app.add_typer(installation.app, name="k8s")
app.command("token")(token_command)
app.command("bench", context_settings=OPTIONS_OF_ITS_OWN)(bench_command)


@app.callback()
def _home(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="TREATY_HOME", help="Where the platform keeps its data and keys.")
    ] = Path(".treaty"),
) -> None:
    context.obj = Home(home)


def _expected() -> tuple[type[Exception], ...]:
    """What a person can put right. The embedded stack's errors come only from where it is used: a container
    does not have it."""
    embedded = sys.modules.get("treaty_embedded")
    return (ApiError, NotRunningError, DefinitionsError, SeedError) + (
        (embedded.EmbeddedError,) if embedded else ()
    )


def main() -> None:
    """Exits 1 with one line of what is wrong, where it is something a person can put right; 2 where that is
    an address in the environment."""
    # What libraries log goes beside the data; what they find normal is not worth a line.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    try:
        app()
    except AddressError as error:
        sys.stderr.write(f"treaty: {error}\n")
        sys.exit(2)
    except _expected() as error:
        sys.exit(f"treaty: {error}")


if __name__ == "__main__":
    main()

"""`treaty job`: for those who install the services by other means than `treaty up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from treaty_chassis.kafka import topics as kafka_topics
from treaty_cli import resending
from treaty_cli.api import Api
from treaty_cli.demo.seeding import seed
from treaty_cli.home import Home, Running
from treaty_cli.jobs import secrets
from treaty_cli.options import Plugins
from treaty_cli.progress import Progress
from treaty_events import topics

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="What an installation needs done once; each job may run again at any time."
)
Servers = Annotated[
    str, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="host:port, several separated by commas.")
]


@app.command("secrets")
def secrets_job(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where each service's secrets go, a folder a reader.")],
    servers: Servers,
    url: Annotated[
        list[str], typer.Option(help="Where a service answers: registry=http://device-registry:8081, ...")
    ],
    database: Annotated[
        str,
        typer.Option(
            envvar="TREATY_DATABASE",
            help="postgresql://user@host:port/name, no password; without it none is made.",
        ),
    ] = "",
) -> None:
    """Make the secrets that are missing, and tell this home where the platform's parts answer."""
    home: Home = context.obj
    urls = dict(one.split("=", 1) for one in url)
    secrets.write(home, folder, Running(0, servers, database, "", urls), database)
    Progress().step("secrets", f"in {folder}")


@app.command("topics")
def topics_job(servers: Servers) -> None:
    """Create the topics that are missing; one that exists with other settings is reported and left."""
    progress = Progress()
    wanted = topics.standing_topics()
    for difference in kafka_topics.apply(kafka_topics.admin(servers), wanted):
        progress.trouble(
            difference.topic, f"{difference.setting} is {difference.found}, expected {difference.expected}"
        )
    progress.step("topics", f"{len(wanted)} there")


@app.command("resend")
def resend_job(context: typer.Context) -> None:
    """Tell a Kafka that has lost them who is who and what may run: every current gateway, device and
    decision, from the databases. Whoever knows them already is told nothing new."""
    progress = Progress()
    for service, topic in resending.TOPICS:
        with Api.named(context.obj, service) as api:
            progress.step("resend", f"{topic}: {resending.resend(api, topic)}")


@app.command("fleet")
def fleet_job(
    context: typer.Context,
    page: Annotated[
        str, typer.Option(envvar="TREATY_PUBLIC_URL", help="The push gateway as browsers reach it.")
    ] = "http://127.0.0.1:8080",
    plugins: Plugins = Path("plugins"),
) -> None:
    """Put the demo's fleet into the registry, once, and print the page that shows it live."""
    progress = Progress()
    found = seed(context.obj, plugins, lambda text: progress.step("fleet", text))
    progress.plain(f"\n  Live page   {page}/#token={found.token}\n  Workspace   {found.workspace}\n")

"""docker-compose.yml for a selection: the platform's own one with what was not chosen left out."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from treaty_cli.installation.definitions import WORKER, Definitions
from treaty_cli.installation.elsewhere import KAFKA_ELSEWHERE, Service, point
from treaty_cli.installation.processes import names, processes, published
from treaty_cli.installation.selection import BACKING, Selection

__all__ = ["compose"]

SECRETS: Final = "secrets"
"""The job that makes what is missing; it belongs to the registry, whose keys it makes."""
HOME: Final = "home:/var/lib/treaty"
"""What that job tells of where the parts answer; who mounts it needs the job."""


def compose(defined: Definitions, selection: Selection, beside: Path) -> dict[str, Any]:
    """The document. `beside` is the folder it will stand in: what it mounts is named from there."""
    parts = defined.parts
    services: dict[str, Service] = deepcopy(defined.compose["services"])
    kept = _kept(services, parts, selection)
    written: dict[str, Service] = {}
    for name in (name for name in services if name in kept):
        service = services[name]
        service.pop("build", None)
        service["image"] = _image(service["image"], selection)
        if needed := dict(_awaited(name, defined.compose["services"], kept)):
            service["depends_on"] = needed
        else:
            service.pop("depends_on", None)
        point(service, SECRETS in kept, selection.external)
        if name == SECRETS:
            _job(service, kept, parts, selection)
        written |= processes(name, service, parts, selection, beside)
    volumes = {v.split(":")[0] for s in written.values() for v in s.get("volumes", ()) if isinstance(v, str)}
    used = {name: how for name, how in defined.compose["volumes"].items() if name in volumes}
    return {"name": defined.compose["name"], "services": written} | ({"volumes": used} if used else {})


def _kept(services: dict[str, Service], parts: dict[str, str], selection: Selection) -> set[str]:
    """What was chosen, what that needs, and the command line, without what needs something else."""
    chosen = {parts[name] for name in selection.services}
    gone = {BACKING[name] for name in selection.external} | (set(parts.values()) - chosen)
    gone |= {n for n, service in services.items() if set(service.get("profiles", ())) - {"tools"}}
    if parts["registry"] not in chosen:
        gone |= {name for name, service in services.items() if HOME in service.get("volumes", ())}
    if not published(selection):
        gone.add("publish")
    strangers = gone & set(parts.values())
    gone |= {n for n, s in services.items() if n not in chosen and strangers & set(s.get("depends_on", ()))}
    kept = chosen | {n for n, service in services.items() if service.get("profiles") == ["tools"]} - gone
    waiting = list(kept)
    while waiting:
        needed = set(services[waiting.pop()].get("depends_on", ())) - gone - kept
        kept |= needed
        waiting.extend(needed)
    return kept


def _awaited(name: str, services: dict[str, Service], kept: set[str]) -> Iterator[tuple[str, Any]]:
    """What a service waits for; in place of what is not here, what that would have waited for."""
    for needed, how in services[name].get("depends_on", {}).items():
        if needed in kept:
            yield needed, how
        else:
            yield from _awaited(needed, services, kept)


def _image(image: str, selection: Selection) -> str:
    """The platform's own carry the registry's name and the tag that were asked for."""
    if not image.startswith("treaty/"):
        return image
    if selection.tag:
        image = image.replace(":-dev}", f":-{selection.tag}}}")
    return f"{selection.registry}/{image}" if selection.registry else image


def _job(service: Service, kept: set[str], parts: dict[str, str], selection: Selection) -> None:
    """The job `secrets` makes what there is a reader for, and is told where the parts are."""
    if "postgres" in selection.external:
        service["volumes"] = [v for v in service["volumes"] if isinstance(v, str)]
    service["command"] = [
        told for given in service["command"] if (told := _argument(given, kept, parts, selection))
    ]


def _argument(given: str, kept: set[str], parts: dict[str, str], selection: Selection) -> str | None:
    flag, _, value = given.partition("=")
    name = value.partition("=")[0]
    if flag == "--database" and "postgres" in selection.external:
        return None
    if flag == "--servers" and "kafka" in selection.external:
        return f"--servers={KAFKA_ELSEWHERE['KAFKA_BOOTSTRAP_SERVERS']}"
    if flag == "--url" and parts[name] not in kept:
        return None
    if flag == "--url" and name == WORKER:
        return given.replace(f"//{parts[WORKER]}:", f"//{names(selection.groups[0])[0]}:")
    return given

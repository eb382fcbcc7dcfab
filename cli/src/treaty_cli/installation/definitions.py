"""The platform's parts as docker-compose.yml and the chart define them: no other list of them is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["COMPOSE", "WORKER", "Definitions", "DefinitionsError", "folder", "read"]

COMPOSE: Final = "docker-compose.yml"
FACTS: Final = "helm/treaty/files/services.yaml"
WORKER: Final = "normalization"
"""The service that groups of plugins are hosted by; the chart has groups instead of it."""
_SHARE: Final = "share/treaty/"
"""Where a wheel puts them, below the installation's prefix."""


class DefinitionsError(RuntimeError):
    """This installation has no compose file and chart with it."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """`compose` is docker-compose.yml, `facts` the chart's services, `values` and `schema` the chart's.
    `parts` is by the names of `treaty up` and the chart each service's name in the compose file."""

    compose: dict[str, Any]
    facts: dict[str, Any]
    values: dict[str, Any]
    schema: dict[str, Any]
    parts: dict[str, str]


def folder() -> Path:
    """Where docker-compose.yml and helm/ are: in the checkout this runs from, else in what was installed with
    it. Raises DefinitionsError."""
    checkout = Path(__file__).parents[4]
    if (checkout / COMPOSE).is_file() and (checkout / FACTS).is_file():
        return checkout
    try:
        files = distribution("treaty-cli").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(_SHARE + COMPOSE):
            return Path(str(file.locate())).resolve().parent
    raise DefinitionsError(
        "this installation came without docker-compose.yml and the chart: install treaty-cli anew"
    )


def read() -> Definitions:
    """Raises DefinitionsError."""
    where = folder()
    compose = _read(where / COMPOSE)
    facts = _read(where / FACTS)
    chart = where / "helm" / "treaty"
    by_module = {_module(service): name for name, service in compose["services"].items()}
    modules = {name: fact["module"] for name, fact in facts.items()} | {WORKER: f"treaty_{WORKER}"}
    return Definitions(
        compose=compose,
        facts=facts,
        values=_read(chart / "values.yaml"),
        schema=json.loads((chart / "values.schema.json").read_text()),
        parts={name: by_module[module] for name, module in modules.items()},
    )


def _read(path: Path) -> dict[str, Any]:
    """Every part on its own: what YAML's aliases share would change together."""
    found: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(path.read_text())))
    return found


def _module(service: dict[str, Any]) -> str:
    """What it starts by `python -m`; "" where it is something else."""
    match service.get("entrypoint"):
        case ["python", "-m", str(module)]:
            return module
        case None if "build" in service:
            return "treaty_" + str(service["build"]["args"]["SERVICE"]).replace("-", "_")
    return ""

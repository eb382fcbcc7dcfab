"""What the chart takes from elsewhere: the table of values in its README, deploy/prometheus's alerts, and
which settings its `environment` may name, by the services' own.

python helm/generated.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic_settings import BaseSettings

from treaty_chassis.settings import KafkaSecurity
from treaty_contract_governance.settings import Settings as Governance
from treaty_device_registry.settings import ApiSettings, ProjectorSettings
from treaty_ingestion.settings import Settings as Ingestion
from treaty_normalization.settings import Settings as Normalization
from treaty_push_gateway.settings import Settings as Push

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "treaty"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"
SETTINGS: dict[str, type[BaseSettings]] = {
    "governance": Governance,
    "registry": ApiSettings,
    "projector": ProjectorSettings,
    "ingestion": Ingestion,
    "push": Push,
}
"""By the chart's names; those of groups of workers are Normalization."""
BY_VALUES = {
    *(str(field.validation_alias) for field in KafkaSecurity.model_fields.values()),
    "DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "REDIS_URL",
    "TREATY_AUDIENCE",
    "TREATY_DEV_CLIENT_ID",
    "TREATY_DEV_CLIENT_SECRET",
    "TREATY_DEV_ISSUER_KEY_FILE",
    "TREATY_HTTP_HOST",
    "TREATY_HTTP_PORT",
    "TREATY_ISSUER",
    "TREATY_JWKS_FILE",
    "TREATY_PLUGINS",
    "TREATY_REGISTRY_URL",
    "TREATY_SANDBOX",
    "TREATY_SEALING_KEY",
    "TREATY_SECRETS_DIR",
    "TREATY_SLOT",
}
"""What values of their own say: an `environment` with these in it is refused."""


def names(*settings: type[BaseSettings]) -> list[str]:
    """Of the environment, without what values say."""
    found = {str(field.validation_alias) for one in settings for field in one.model_fields.values()}
    return sorted(found - BY_VALUES)


def named(allowed: list[str]) -> dict[str, Any]:
    """Names of settings there are; what is no setting of this platform's is the environment's own affair."""
    return {"anyOf": [{"enum": allowed}, {"not": {"pattern": "^(TREATY_|KAFKA_|DATABASE_URL$|REDIS_URL$)"}}]}


def schema() -> str:
    """values.schema.json, its `environment`s with the names they may have."""
    found: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    parts = found["properties"]
    everything = named(names(*SETTINGS.values(), Normalization))
    parts["environment"]["propertyNames"] = everything
    parts["serviceDefaults"]["properties"]["environment"]["propertyNames"] = everything
    for name, service in parts["services"]["properties"].items():
        service["properties"]["environment"]["propertyNames"] = named(names(SETTINGS[name]))
    worker = parts["workers"]["additionalProperties"]["properties"]
    worker["environment"]["propertyNames"] = named(names(Normalization))
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def rows(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of every value; what has a shape of its own per name is listed once."""
    for name, part in schema.get("properties", {}).items():
        default = values.get(name) if isinstance(values, dict) else None
        where = f"{path}{name}"
        if where == "global":
            continue
        if part.get("properties") and not where.startswith(("services.", "workers.")):
            yield from rows(part, default or {}, f"{where}.")
            continue
        yield (
            where,
            "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`",
            part["description"],
        )
        group = part.get("additionalProperties")
        if isinstance(group, dict) and group.get("properties"):
            yield from rows(group, {}, f"{where}.<name>.")


def table(schema: dict[str, Any]) -> str:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = ["| value | default | |", "|---|---|---|"]
    for cells in rows(schema, values):
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in (f"`{cells[0]}`", *cells[1:])) + " |")
    return "\n".join(lines) + "\n"


def readme(schema: dict[str, Any]) -> str:
    before, _, rest = (CHART / "README.md").read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(schema)}\n{END}{after}"


def main() -> int:
    said = schema()
    generated = {
        CHART / "values.schema.json": said,
        CHART / "README.md": readme(json.loads(said)),
        CHART / "files" / "alerts.yaml": (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(),
    }
    stale = [path for path, text in generated.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path} is stale: run python helm/generated.py\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(generated[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())

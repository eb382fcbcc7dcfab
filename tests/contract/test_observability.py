"""What dashboards, alerts and runbooks ask for is what the services measure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_sum", "_count")}
OF_PROMETHEUS = {"le", "service", "instance", "job"}


def declared(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The series that a module's metrics are scraped as, each with its labels."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if kind not in SUFFIXES or not (node.args and isinstance(node.args[0], ast.Constant)):
            continue
        lists = [part for part in node.args if isinstance(part, ast.List | ast.Tuple)]
        labels = tuple(e.value for part in lists for e in part.elts if isinstance(e, ast.Constant))
        for suffix in SUFFIXES[kind]:
            yield f"{node.args[0].value}{suffix}", tuple(map(str, labels))


SERIES = {
    name: labels
    for folder in ("libs/treaty_chassis/src", "services")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts
    for name, labels in declared(path)
}


def queries() -> list[tuple[str, str]]:
    """With where each stands."""
    found = [(rule["alert"], rule["expr"]) for rule in RULES]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            found += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return found


@pytest.mark.parametrize(("where", "query"), queries(), ids=lambda value: value[:40])
def test_a_query_asks_for_metrics_and_labels_that_exist(where: str, query: str) -> None:
    asked = re.findall(r"treaty_[a-z_]+", query)
    assert asked, where
    assert [name for name in asked if name not in SERIES] == []
    known = OF_PROMETHEUS | {label for name in asked for label in SERIES[name]}
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}
    assert grouped <= known


def test_every_alert_has_a_page_that_names_it_and_every_page_an_alert() -> None:
    pages = {path.name: path.read_text() for path in (ROOT / "docs/runbooks").glob("*.md")}
    named = {Path(rule["annotations"]["runbook"]).name: rule["alert"] for rule in RULES}
    assert named.keys() == pages.keys()
    for page, alert in named.items():
        assert f"**Alert:** `{alert}`" in pages[page]


def test_pages_name_metrics_that_exist() -> None:
    for path in (ROOT / "docs/runbooks").glob("*.md"):
        asked = set(re.findall(r"`(treaty_[a-z_]+)", path.read_text()))
        families = set(SERIES) | {name.removesuffix("_bucket") for name in SERIES}
        assert asked <= families, path.name


def test_prometheus_scrapes_every_service_of_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    wanted = {
        f"{name}:{service['environment']['TREATY_HTTP_PORT']}"
        for name, service in compose.items()
        if "TREATY_HTTP_PORT" in (service.get("environment") or {})
    }
    (job,) = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert {target for static in job["static_configs"] for target in static["targets"]} == wanted

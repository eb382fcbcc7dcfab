"""What dashboards, alerts and runbooks ask for is what the services measure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

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


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OBSERVING = {name for name, one in COMPOSE.items() if one.get("profiles") == ["observability"]}
TRACING = (ROOT / "docs/tracing.md").read_text()


def settings(name: str) -> dict[str, str]:
    """An env file's."""
    lines = (ROOT / "deploy" / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_one_file_starts_the_profile_and_sends_every_services_traces_to_its_collector() -> None:
    told = settings("observability.env")
    assert told["COMPOSE_PROFILES"] == "observability"
    where = urlsplit(told["OTEL_EXPORTER_OTLP_ENDPOINT"])
    assert where.hostname in OBSERVING
    config = yaml.safe_load((ROOT / "deploy/collector/collector.yaml").read_text())
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == f"0.0.0.0:{where.port}"
    exporting = {
        name
        for name, one in COMPOSE.items()
        if (one.get("environment") or {}).get("OTEL_EXPORTER_OTLP_ENDPOINT")
        == "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"
    }
    serving = {name for name, one in COMPOSE.items() if "TREATY_HTTP_PORT" in (one.get("environment") or {})}
    assert serving
    assert serving <= exporting


def test_traces_pass_from_the_collector_to_a_store_that_grafana_reads() -> None:
    config = yaml.safe_load((ROOT / "deploy/collector/collector.yaml").read_text())
    pipeline = config["service"]["pipelines"]["traces"]
    assert pipeline["processors"][0] == "memory_limiter"
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) <= config[kind].keys()
    store = urlsplit(config["exporters"]["otlp_http"]["endpoint"])
    tempo = yaml.safe_load((ROOT / "deploy/tempo/tempo.yaml").read_text())
    assert store.hostname in OBSERVING
    taken = tempo["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert taken == f"0.0.0.0:{store.port}"
    sources = (ROOT / "deploy/grafana/provisioning/datasources/treaty.yaml").read_text()
    (source,) = [s for s in yaml.safe_load(sources)["datasources"] if s["type"] == "tempo"]
    assert source["url"] == f"http://{store.hostname}:{tempo['server']['http_listen_port']}"


def test_what_the_profile_reads_is_mounted_where_it_is_looked_for() -> None:
    for name, flag in (("collector", "--config="), ("tempo", "-config.file=")):
        (command,) = COMPOSE[name]["command"]
        asked = Path(command.removeprefix(flag))
        folders = dict(volume.split(":")[1::-1] for volume in COMPOSE[name]["volumes"])
        assert (ROOT / folders[str(asked.parent)] / asked.name).is_file()


def test_images_of_the_profile_are_pinned_and_bounded() -> None:
    assert sorted(OBSERVING) == ["collector", "grafana", "prometheus", "tempo"]
    for name in OBSERVING:
        assert re.search(r":v?\d+\.\d+\.\d+\}$", COMPOSE[name]["image"]), name
        assert {"mem_limit", "pids_limit"} <= COMPOSE[name].keys()


def test_the_page_on_tracing_names_what_is_recorded_and_counted() -> None:
    counted = {name for name in SERIES if name.startswith("treaty_tracing_")}
    assert counted
    assert {name for name in counted if f"`{name}`" not in TRACING} == set()
    chassis = ROOT / "libs/treaty_chassis/src/treaty_chassis"
    push = ROOT / "services/push-gateway/src/treaty_push_gateway"
    recording = [*(chassis / "tracing").glob("*.py"), chassis / "kafka/spans.py", push / "node.py"]
    code = "".join(path.read_text() for path in recording)
    attributes = set(re.findall(r'"((?:messaging|http|url|error|treaty)\.[a-z_.]+)"', code))
    assert "treaty.push.live_subscriptions" in attributes
    assert "messaging.batch.message_count" in attributes
    assert {name for name in attributes if f"`{name}`" not in TRACING} == set()


def test_the_chart_and_the_compose_file_name_the_same_variables_of_tracing() -> None:
    rendered = (ROOT / "helm/treaty/templates/_pods.tpl").read_text()
    named = set(re.findall(r"OTEL_[A-Z_]+", rendered))
    told = {name for one in COMPOSE.values() for name in one.get("environment") or {} if "OTEL_" in name}
    assert named <= told
    assert {name for name in named | told if f"`{name}`" not in TRACING} == set()

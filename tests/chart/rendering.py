"""The chart as helm renders it: over every documented combination of values, and over what it must refuse.

Run by `make test-chart`. Needs helm and kubeconform; KUBECONFORM_SCHEMAS names where kubeconform finds the
schemas (a template as for its -schema-location) where that is not the public place.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "treaty"
LEAST = CHART / "ci" / "least.yaml"
COMBINATIONS = sorted((CHART / "ci").glob("*.yaml"))
REFUSED = sorted((CHART / "refused").glob("*.yaml"))
WRITTEN = [
    (),
    ("--slots", "3", "--slots", "ingestion=4", "--plugins", "decentlab,milesight-*"),
    ("--group", "acme=acme-*", "--image", "acme=r.example.com/acme/worker:7", "--slots", "2"),
    ("--kafka-protocol", "SASL_SSL", "--kafka-ca", "--registry", "r.example.com", "--tag", "1.2.3"),
    ("--services", "ingestion,normalization"),
    ("--services", "push", "--registry-url", "https://devices.example.com:8443"),
]
CRDS = (
    "https://raw.githubusercontent.com/datreeio/CRDs-catalog/main"
    "/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
)


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *map(str, arguments)], capture_output=True, text=True, check=False)


def rendered(values: Path) -> list[dict[str, Any]]:
    found = helm("template", "treaty", CHART, "-n", "treaty", "-f", values)
    assert found.returncode == 0, found.stderr
    return [document for document in yaml.safe_load_all(found.stdout) if document]


def pods(documents: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    found = [(d["metadata"]["name"], d["spec"]) for d in documents if d["kind"] == "Pod"]
    owners = [d for d in documents if d["kind"] in ("Deployment", "StatefulSet", "Job")]
    return found + [(d["metadata"]["name"], d["spec"]["template"]["spec"]) for d in owners]


def test_lint_finds_nothing() -> None:
    found = helm("lint", "--strict", CHART, "-f", LEAST)
    assert found.returncode == 0, found.stdout + found.stderr


def valid(values: Path, out: Path) -> None:
    """Renders, and every document is what the schema of its kind says."""
    found = helm("template", "treaty", CHART, "-f", values)
    assert found.returncode == 0, found.stderr
    out.write_text(found.stdout)
    own = os.environ.get("KUBECONFORM_SCHEMAS")
    places = [own] if own else ["default", CRDS]
    command = ["kubeconform", "-strict", "-summary"]
    for place in places:
        command += ["-schema-location", place]
    judged = subprocess.run([*command, str(out)], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Invalid: 0, Errors: 0, Skipped: 0" in judged.stdout


@pytest.mark.parametrize("values", COMBINATIONS, ids=lambda p: p.stem)
def test_every_combination_is_what_kubernetes_takes(values: Path, tmp_path: Path) -> None:
    valid(values, tmp_path / "rendered.yaml")


@pytest.mark.parametrize("choice", WRITTEN, ids=" ".join)
def test_values_that_the_command_line_writes_are_what_the_chart_takes(
    choice: tuple[str, ...], tmp_path: Path
) -> None:
    values = tmp_path / "values.yaml"
    command = [sys.executable, "-m", "treaty_cli", "k8s", "values", "--kafka", "kafka:9092", *choice]
    subprocess.run(
        [*command, "--issuer", "https://id/", "--output", values], check=True, cwd=CHART.parents[1]
    )
    valid(values, tmp_path / "rendered.yaml")


def test_whoever_answers_clients_goes_on_until_load_balancers_know() -> None:
    draining = {name for name, pod in pods(rendered(LEAST)) if "lifecycle" in pod["containers"][0]}
    assert draining == {"treaty-push", "treaty-registry", "treaty-governance"}


def test_keda_proves_itself_as_the_workers_do_and_looks_at_the_group_s_own_topics() -> None:
    documents = rendered(CHART / "ci" / "edge.yaml")
    (scaled,) = [d["spec"] for d in documents if d["kind"] == "ScaledObject"]
    (proof,) = [d for d in documents if d["kind"] == "TriggerAuthentication"]
    triggers = [trigger["metadata"] for trigger in scaled["triggers"]]
    assert [t["topic"] for t in triggers] == [
        "uplink.accepted.decentlab.v1",
        "uplink.accepted.milesight-em300.v1",
    ]
    assert {(t["sasl"], t["tls"], t["consumerGroup"]) for t in triggers} == {
        ("scram_sha512", "enable", "normalization")
    }
    assert {t["authenticationRef"]["name"] for t in scaled["triggers"]} == {proof["metadata"]["name"]}
    assert {one["parameter"] for one in proof["spec"]["secretTargetRef"]} == {"username", "password", "ca"}


def test_a_part_of_a_platform_is_installed_by_itself() -> None:
    documents = rendered(CHART / "ci" / "edge.yaml")
    assert {name for name, _ in pods(documents)} == {
        "treaty-ingestion",
        "treaty-push",
        "treaty-topics",
        "treaty-worker-decentlab",
        "treaty-worker-milesight",
    }
    (push,) = [p for name, p in pods(documents) if name == "treaty-push"]
    told = {v["name"]: v.get("value") for v in push["containers"][0]["env"]}
    assert told["TREATY_REGISTRY_URL"] == "https://devices.example.com"
    (policy,) = [
        d for d in documents if d["metadata"]["name"] == "treaty-push" and d["kind"] == "NetworkPolicy"
    ]
    assert [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]] == [9096, 443]


def test_the_alerts_are_those_of_the_compose_file_s_prometheus() -> None:
    (rule,) = [d for d in rendered(CHART / "ci" / "everything.yaml") if d["kind"] == "PrometheusRule"]
    alerts = CHART.parents[1] / "deploy" / "prometheus" / "alerts.yaml"
    assert rule["spec"] == yaml.safe_load(alerts.read_text())


def notes(folder: Path, *options: str) -> str:
    """What an installation is followed by, which `helm template` leaves out."""
    chart = shutil.copytree(CHART, folder / "treaty")
    text = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "_notes.tpl").write_text(f'{{{{ define "notes" }}}}{text}{{{{ end }}}}')
    (chart / "templates" / "notes.yaml").write_text('said: {{ include "notes" . | toJson }}')
    found = helm("template", "treaty", chart, "-f", LEAST, "-s", "templates/notes.yaml", *options)
    assert found.returncode == 0, found.stderr
    return str(yaml.safe_load(found.stdout)["said"])


def test_the_notes_name_the_addresses_that_answer(tmp_path: Path) -> None:
    def exposed(way: str, **more: object) -> str:
        hosts = {"push": "live.example.com", "registry": "api.example.com", "governance": "g.example.com"}
        values = tmp_path / f"{way}.json"
        values.write_text(json.dumps({way: {"enabled": True, "hosts": hosts, **more}}))
        return notes(tmp_path / way, "-f", str(values))

    plain = exposed("ingress")
    assert "The console:  http://live.example.com/" in plain
    assert "export TREATY_GOVERNANCE_URL=http://g.example.com\n" in plain
    routed = exposed("httpRoute", parentRefs=[{"name": "edge"}])
    assert "The console:  https://live.example.com/" in routed
    assert "export TREATY_GOVERNANCE_URL=https://g.example.com\n" in routed
    assert "port-forward svc/treaty-push 8080" in notes(tmp_path / "neither")


@pytest.mark.parametrize("values", REFUSED, ids=lambda p: p.stem)
def test_what_cannot_be_meant_is_refused_by_name(values: Path) -> None:
    named = values.read_text().splitlines()[0].removeprefix("# refused, naming: ")
    found = helm("template", "treaty", CHART, "-f", LEAST, "-f", values)
    assert found.returncode != 0
    assert named in found.stderr


@pytest.mark.parametrize("values", COMBINATIONS, ids=lambda p: p.stem)
def test_every_pod_keeps_the_restricted_profile_and_has_no_account(values: Path) -> None:
    found = pods(rendered(values))
    assert found
    for name, pod in found:
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["requests"], name


def test_no_secret_stands_in_an_environment() -> None:
    for values in COMBINATIONS:
        for name, pod in pods(rendered(values)):
            for container in pod["containers"]:
                for variable in container["env"]:
                    assert "secretKeyRef" not in variable.get("valueFrom", {}), (name, variable)


def test_each_process_of_a_stateful_set_has_the_ordinal_s_name_for_its_slot() -> None:
    sets = [d for d in rendered(LEAST) if d["kind"] == "StatefulSet"]
    assert {d["metadata"]["name"] for d in sets} == {"treaty-ingestion", "treaty-worker-shipped"}
    for found in sets:
        (container,) = found["spec"]["template"]["spec"]["containers"]
        (slot,) = [v for v in container["env"] if v["name"] == "TREATY_SLOT"]
        assert slot["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_network_policies_follow_the_picture() -> None:
    policies = {d["metadata"]["name"]: d["spec"] for d in rendered(LEAST) if d["kind"] == "NetworkPolicy"}
    deny = policies.pop("treaty-deny")
    assert "ingress" not in deny
    assert [port["port"] for port in deny["egress"][0]["ports"]] == [53, 53]

    def reaches(name: str) -> set[object]:
        found: set[object] = set()
        for rule in policies[f"treaty-{name}"]["egress"]:
            for peer in rule.get("to", [{}]):
                labels = peer.get("podSelector", {}).get("matchLabels", {})
                found |= {labels.get("app.kubernetes.io/component", p["port"]) for p in rule["ports"]}
        return found

    assert reaches("ingestion") == reaches("worker-shipped") == reaches("topics") == {9092}
    assert reaches("governance") == reaches("projector") == {9092, 5432}
    assert reaches("registry") == {9092, 5432, 6379}
    assert reaches("push") == {9092, "registry"}
    assert not policies["treaty-worker-shipped"]["ingress"]


def test_traces_go_where_the_values_say_and_policies_let_them_out_there_alone() -> None:
    endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
    told = {
        values.stem: {
            (d["metadata"]["name"], variable["value"])
            for d in rendered(values)
            if d["kind"] in ("Deployment", "StatefulSet")
            for container in d["spec"]["template"]["spec"]["containers"]
            for variable in container["env"]
            if variable["name"] == endpoint
        }
        for values in (LEAST, CHART / "ci" / "everything.yaml")
    }
    assert told["least"] == set()
    assert len(told["everything"]) > 5
    assert {value for _, value in told["everything"]} == {"http://collector:4318"}
    policies = {
        d["metadata"]["name"]: d["spec"]["egress"]
        for d in rendered(CHART / "ci" / "everything.yaml")
        if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] != "treaty-deny"
    }
    out = {name for name, rules in policies.items() if {"ports": [{"port": 4318}]} in rules}
    assert out == {name for name, _ in told["everything"]}

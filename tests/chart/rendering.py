"""The chart as helm renders it: over every documented combination of values, and over what it must refuse.

Run by `make test-chart`. Needs helm and kubeconform; KUBECONFORM_SCHEMAS names where kubeconform finds the
schemas (a template as for its -schema-location) where that is not the public place.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "treaty"
LEAST = CHART / "ci" / "least.yaml"
COMBINATIONS = sorted((CHART / "ci").glob("*.yaml"))
REFUSED = sorted((CHART / "refused").glob("*.yaml"))
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


@pytest.mark.parametrize("values", COMBINATIONS, ids=lambda p: p.stem)
def test_every_combination_is_what_kubernetes_takes(values: Path, tmp_path: Path) -> None:
    out = tmp_path / "rendered.yaml"
    out.write_text(helm("template", "treaty", CHART, "-f", values).stdout)
    own = os.environ.get("KUBECONFORM_SCHEMAS")
    places = [own] if own else ["default", CRDS]
    command = ["kubeconform", "-strict", "-summary"]
    for place in places:
        command += ["-schema-location", place]
    found = subprocess.run([*command, str(out)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Invalid: 0, Errors: 0, Skipped: 0" in found.stdout


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

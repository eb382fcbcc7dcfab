"""The chart on an API server: installed, tested, upgraded, rolled back and gone again, in a namespace that
enforces the restricted profile.

Run by `make test-chart` where KUBECONFIG names a cluster that may be used for it. A cluster of simulated
nodes shows what the API server and its controllers say, not whether containers run.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "treaty"
VALUES = CHART / "ci" / "everything.yaml"
NAMESPACE = "treaty-chart-test"
pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], input=given, capture_output=True, text=True, check=False)


def done(*command: str | Path, given: str | None = None) -> str:
    found = run(*command, given=given)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout + found.stderr


@pytest.fixture(scope="module", autouse=True)
def namespace() -> Iterator[None]:
    labels = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    done("kubectl", "apply", "-f", "-", given=json.dumps(body))
    yield
    done("kubectl", "delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s")


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart of the commit before, where there was one."""
    folder = tmp_path_factory.mktemp("previous")
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", "HEAD~1", "helm/treaty"], capture_output=True, check=False
    )
    if archive.returncode != 0:
        return CHART
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder / "helm" / "treaty"


def helm(*arguments: str | Path) -> str:
    return done("helm", "-n", NAMESPACE, *arguments)


@pytest.mark.parametrize("values", sorted((CHART / "ci").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_server_takes_every_combination_without_a_warning(values: Path) -> None:
    text = done("helm", "template", "treaty", CHART, "-n", NAMESPACE, "-f", values)
    command = ["kubectl", "-n", NAMESPACE, "apply", "--dry-run=server", "--validate=strict", "-f", "-"]
    said = done(*command, given=text)
    assert "Warning" not in said


def test_the_whole_life_of_a_release(previous: Path) -> None:
    waiting = ["--wait", "--wait-for-jobs", "--timeout", "180s"]
    helm("install", "treaty", previous, "-f", VALUES, *waiting)
    helm("test", "treaty", "--timeout", "120s")
    helm("upgrade", "treaty", CHART, "-f", VALUES, *waiting)
    helm("upgrade", "treaty", CHART, "-f", VALUES, *waiting)
    helm("rollback", "treaty", "1", "--wait", "--timeout", "180s")
    helm("uninstall", "treaty", "--wait", "--timeout", "120s")
    kinds = "all,cm,secret,sa,pdb,hpa,ingress,networkpolicy,job,pvc"
    left = json.loads(done("kubectl", "-n", NAMESPACE, "get", kinds, "-o", "json"))["items"]
    own = [
        f"{item['kind']}/{item['metadata']['name']}" for item in left if "treaty" in item["metadata"]["name"]
    ]
    assert own == []

"""The chart on an API server: installed, tested, upgraded, rolled back and gone again, in a namespace that
enforces the restricted profile.

Run by `make test-chart` where KUBECONFIG names a cluster that may be used for it. A cluster of simulated
nodes shows what the API server and its controllers say, not whether containers run.
"""

from __future__ import annotations

import json
import subprocess
import time
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


def output(*command: str | Path) -> str:
    found = run(*command)
    assert found.returncode == 0, found.stderr
    return found.stdout


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


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=False)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as it was before its last change, where the history goes back so far."""
    changed = git("diff", "--quiet", "HEAD", "--", "helm/treaty").returncode != 0
    commits = git("log", "--format=%H", "-n", "2", "--", "helm/treaty").stdout.decode().split()
    before = commits[:1] if changed else commits[1:]
    if not before:
        return CHART
    folder = tmp_path_factory.mktemp("previous")
    archive = git("archive", before[0], "helm/treaty")
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
    helm("install", "treaty", previous, "-f", previous / "ci" / VALUES.name, *waiting)
    assert "ServiceMonitor/treaty" in own()
    helm("test", "treaty", "--timeout", "120s")
    helm("upgrade", "treaty", CHART, "-f", VALUES, *waiting)
    helm("upgrade", "treaty", CHART, "-f", VALUES, *waiting)
    helm("rollback", "treaty", "1", "--wait", "--timeout", "180s")
    helm("uninstall", "treaty", "--wait", "--timeout", "120s")
    # What the release's own parts had owned is collected a moment later.
    end = time.monotonic() + 60
    while (left := own()) and time.monotonic() < end:
        time.sleep(1)
    assert left == []


def own() -> list[str]:
    """What of the release there is, of every kind that the server has."""
    listed = done("kubectl", "api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    kinds = ",".join(kind for kind in listed if not kind.startswith(("events", "endpoints")))
    found = json.loads(output("kubectl", "-n", NAMESPACE, "get", kinds, "-o", "json"))["items"]
    names = [f"{item['kind']}/{item['metadata']['name']}" for item in found]
    return [name for name in names if "treaty" in name]

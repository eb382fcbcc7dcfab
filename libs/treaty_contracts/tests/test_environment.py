"""A host is held against what a contract asks; values of the environment are never told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from treaty_contracts.environment import Host, judge_environment
from treaty_contracts.environment.host import Installed, cpus_of, memory_of
from treaty_contracts.model import Contract
from treaty_contracts.policy import Policy

INSTALLED = {
    "acme": Installed("1.4.0"),
    "local": Installed("0.1", {"url": "file:///x", "dir_info": {"editable": True}}),
}
HOST = Host(
    "3.11.7", "CPython", "linux", "x86_64", {"MODE": "s3cret-value", "TOKEN": ""}, 1 << 30, 2.0, INSTALLED.get
)


def codes(policy: Policy | None = None, host: Host = HOST, **parts: Any) -> list[str]:
    body = {"contract": "treaty/v1", "plugin": "acme", "version": "1.0.0", **parts}
    findings = judge_environment(Contract.model_validate(body), host, policy or Policy())
    assert not any("s3cret-value" in str(finding) for finding in findings)
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("runtime", "found"),
    [
        ({}, []),
        ({"python": ">=3.11,<4"}, []),
        ({"python": ">=3.12"}, ["E401"]),
        ({"implementation": ["cpython", "PyPy"]}, []),
        ({"implementation": "PyPy"}, ["E402"]),
        ({"os": ["linux", "darwin"]}, []),
        ({"os": "windows"}, ["E403"]),
        ({"architecture": "amd64"}, []),
        ({"architecture": ["arm64"]}, ["E404"]),
        ({"environment": ["MODE"]}, []),
        ({"environment": ["MODE", "ABSENT"]}, ["E405"]),
        ({"environment": {"MODE": "s3cret-value"}}, []),
        ({"environment": {"MODE": "other"}}, ["E405"]),
        ({"secrets": ["MODE"]}, []),
        ({"secrets": ["TOKEN"]}, ["E406"]),
    ],
)
def test_a_runtime(runtime: dict[str, Any], found: list[str]) -> None:
    assert codes(runtime=runtime) == found


@pytest.mark.parametrize(
    ("packages", "found"),
    [
        ({"acme": ">=1"}, []),
        ({"acme": ">=2"}, ["E408"]),
        ({"absent": ">=1"}, ["E407"]),
        ({"absent": {"required": False}}, []),
        ({"local": {"editable": True}}, []),
        ({"local": {"editable": False}}, ["E411"]),
        ({"acme": {"origin": {"type": "vcs"}}}, ["E411"]),
    ],
)
def test_packages(packages: dict[str, Any], found: list[str]) -> None:
    assert codes(packages=packages) == found


def test_resources_are_what_the_control_group_gives() -> None:
    assert codes(resources={"memory_mib": 2048}) == ["E409"]
    assert codes(resources={"cpus": 4}) == ["E410"]
    assert codes(resources={"memory_mib": 1024, "cpus": 2}) == []


def test_one_deployment_must_fit() -> None:
    here, there = {"runtime": {"architecture": "x86_64"}}, {"runtime": {"architecture": "s390x"}}
    assert codes(deployments=[there, here]) == []
    assert "E412" in codes(deployments=[there])


def test_evidence_comes_from_the_policy() -> None:
    asked = [{"kind": "distribution.provenance", "subject": "acme"}]
    assert codes(evidence=asked) == ["E413"]
    given = Policy(evidence=frozenset({("distribution.provenance", "acme")}))
    assert codes(given, evidence=asked) == []


def test_a_policy_may_only_warn_of_what_is_not_set() -> None:
    body = {
        "contract": "treaty/v1",
        "plugin": "acme",
        "version": "1.0.0",
        "runtime": {"environment": ["ABSENT"]},
    }
    [finding] = judge_environment(Contract.model_validate(body), HOST, Policy(missing_environment="warn"))
    assert finding.severity == "warning"


def test_limits_are_read_from_control_groups(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("104857600\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert memory_of(tmp_path) <= 104_857_600
    assert cpus_of(tmp_path) == pytest.approx(0.5)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert memory_of(tmp_path) > 104_857_600
    assert cpus_of(tmp_path) >= 1


def test_a_host_is_data() -> None:
    assert "variables" not in replace(HOST).public()

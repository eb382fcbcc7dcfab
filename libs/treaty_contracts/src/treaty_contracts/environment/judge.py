"""Hold a contract's runtime, packages and resources against a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from packaging.specifiers import SpecifierSet

from treaty_contracts.environment.host import Host, Installed
from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract
from treaty_contracts.model.contract import Origin, PackageRule, Runtime
from treaty_contracts.policy import Policy

__all__ = ["judge_environment", "judge_runtime"]

_SAME_MACHINE = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i686": "i386"}
_SAME_SYSTEM = {"macos": "darwin", "win32": "windows"}


@lru_cache(maxsize=512)
def _contains(range_: str, version: str) -> bool:
    return SpecifierSet(range_).contains(version, prereleases=True)


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _one_of(
    wanted: str | list[str] | None, observed: str, same: Mapping[str, str], code: str, what: str, promise: str
) -> list[Finding]:
    names = [name.lower() for name in _listed(wanted)]
    if not names or same.get(observed.lower(), observed.lower()) in {same.get(name, name) for name in names}:
        return []
    return [
        Finding(
            code,
            Severity.ERROR,
            f"the {what} is not one the plugin is made for",
            promise,
            expected=", ".join(_listed(wanted)),
            observed=observed,
        )
    ]


def judge_runtime(runtime: Runtime, host: Host, policy: Policy, promise: str = "runtime") -> list[Finding]:
    """Findings of interpreter, system and environment; of variables only names are told."""
    found: list[Finding] = []
    if runtime.python is not None and not _contains(runtime.python, host.python):
        found.append(
            Finding(
                "E401",
                Severity.ERROR,
                "the Python version is not one the plugin is made for",
                f"{promise}.python",
                expected=runtime.python,
                observed=host.python,
            )
        )
    found += _one_of(
        runtime.implementation,
        host.implementation,
        {},
        "E402",
        "Python implementation",
        f"{promise}.implementation",
    )
    found += _one_of(runtime.os, host.os, _SAME_SYSTEM, "E403", "operating system", f"{promise}.os")
    found += _one_of(
        runtime.architecture,
        host.architecture,
        _SAME_MACHINE,
        "E404",
        "architecture",
        f"{promise}.architecture",
    )
    severity = Severity.ERROR if policy.missing_environment == "refuse" else Severity.WARNING
    stated: Mapping[str, str | None] = (
        runtime.environment if isinstance(runtime.environment, dict) else dict.fromkeys(runtime.environment)
    )
    for name, value in stated.items():
        if name not in host.variables:
            found.append(
                Finding(
                    "E405", severity, f"the environment variable {name} is not set", f"{promise}.environment"
                )
            )
        elif value is not None and host.variables[name] != value:
            found.append(
                Finding(
                    "E405",
                    severity,
                    f"the environment variable {name} has another value than stated",
                    f"{promise}.environment",
                )
            )
    for name in runtime.secrets:
        if not host.variables.get(name):
            found.append(Finding("E406", severity, f"the secret {name} is not set", f"{promise}.secrets"))
    return found


def _origin_kind(origin: Mapping[str, Any]) -> str:
    for key, kind in (("vcs_info", "vcs"), ("dir_info", "local"), ("archive_info", "archive")):
        if key in origin:
            return kind
    return "unknown"


def _plain_url(url: object) -> str:
    return str(url or "").removeprefix("git+").rstrip("/").removesuffix(".git").lower()


def _judge_origin(name: str, wanted: Origin, installed: Installed, promise: str) -> list[Finding]:
    origin = installed.origin
    vcs = origin.get("vcs_info") or {}
    checks: list[tuple[str, str | None, Any, Callable[[Any], str]]] = [
        ("type", wanted.type, _origin_kind(origin) if origin else "index", str),
        ("repository", wanted.repository, origin.get("url"), _plain_url),
        ("url", wanted.url, origin.get("url"), _plain_url),
        ("commit", wanted.commit, vcs.get("commit_id"), str),
    ]
    return [
        Finding(
            "E411",
            Severity.ERROR,
            f"{name} has another origin: its {key} differs",
            promise,
            expected=value,
            observed=str(observed),
        )
        for key, value, observed, plain in checks
        if value is not None
        and plain(value) != plain(observed)
        and not (key == "type" and value == "unknown" and not origin)
    ]


def _judge_package(name: str, rule: PackageRule, host: Host) -> list[Finding]:
    promise = f"packages.{name}"
    installed = host.installed(name)
    if installed is None:
        if rule.required and rule.allowed:
            return [
                Finding(
                    "E407",
                    Severity.ERROR,
                    f"the package {name} is not installed",
                    promise,
                    expected=rule.version,
                )
            ]
        return []
    found: list[Finding] = []
    if rule.version is not None and not _contains(rule.version, installed.version):
        found.append(
            Finding(
                "E408",
                Severity.ERROR,
                f"{name} is installed in another version",
                promise,
                expected=rule.version,
                observed=installed.version,
            )
        )
    editable = bool((installed.origin.get("dir_info") or {}).get("editable"))
    if rule.editable is not None and rule.editable != editable:
        found.append(
            Finding(
                "E411", Severity.ERROR, f"{name} is {'' if editable else 'not '}installed editable", promise
            )
        )
    if rule.origin is not None:
        found += _judge_origin(name, rule.origin, installed, promise)
    return found


def judge_environment(
    contract: Contract, host: Host, policy: Policy, holding: tuple[bool, ...] = ()
) -> tuple[Finding, ...]:
    """What this host lacks; `holding` says of each deployment whether the package keeps its structure."""
    found = judge_runtime(contract.runtime, host, policy)
    for name, rule in contract.packages_in_full().items():
        found += _judge_package(name, rule, host)
    if contract.resources.memory_mib * 1024 * 1024 > host.memory:
        found.append(
            Finding(
                "E409",
                Severity.ERROR,
                "the host gives less memory than the plugin asks for",
                "resources.memory_mib",
                expected=f"{contract.resources.memory_mib} MiB",
                observed=f"{host.memory // 1024 // 1024} MiB",
            )
        )
    if contract.resources.cpus is not None and contract.resources.cpus > host.cpus:
        found.append(
            Finding(
                "E410",
                Severity.ERROR,
                "the host gives fewer processors than the plugin asks for",
                "resources.cpus",
                expected=f"{contract.resources.cpus:g}",
                observed=f"{host.cpus:g}",
            )
        )
    if contract.deployments:
        refusals = [
            judge_runtime(deployment.runtime, host, policy, f"deployments.{index}.runtime")
            for index, deployment in enumerate(contract.deployments)
        ]
        fitting = [
            index
            for index, refused in enumerate(refusals)
            if not any(finding.severity is Severity.ERROR for finding in refused)
        ]
        if not fitting:
            found.append(
                Finding(
                    "E412",
                    Severity.ERROR,
                    "no deployment the plugin is made for fits this host",
                    "deployments",
                )
            )
            found += refusals[min(range(len(refusals)), key=lambda index: len(refusals[index]))]
        elif holding and not any(holding[index] for index in fitting):
            found.append(
                Finding(
                    "E412",
                    Severity.ERROR,
                    "the package does not keep the structure promised for this host",
                    f"deployments.{fitting[0]}.structure",
                )
            )
    for requirement in contract.evidence:
        if (requirement.kind, requirement.subject) not in policy.evidence:
            found.append(
                Finding(
                    "E413",
                    Severity.ERROR,
                    f"nobody gave evidence of {requirement.kind} for {requirement.subject}",
                    "evidence",
                )
            )
    return tuple(found)

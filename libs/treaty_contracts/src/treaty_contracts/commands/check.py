"""`check` and `watch`: judge a package once, or again whenever a file of it changes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from treaty_contracts.commands.exits import ADMITTED, CONTRACT_ERROR, REFUSED, TOOL_FAILURE
from treaty_contracts.engine import Engine
from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract, ContractError, load
from treaty_contracts.package import PackageTooLargeError, take
from treaty_contracts.policy import Policy
from treaty_contracts.report.human import human
from treaty_contracts.report.machine import as_json, as_junit, as_sarif
from treaty_contracts.verdict import Verdict

__all__ = ["add_arguments", "exit_code", "policy_of", "run_check", "run_watch"]

_PAUSE_S = 0.3


def exit_code(verdict: Verdict) -> int:
    """0 admitted, 1 refused, 2 the contract itself cannot be read."""
    if verdict.contract_error:
        return CONTRACT_ERROR
    return ADMITTED if verdict.admitted_here else REFUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="+", help="package folders, or files in them")
    parser.add_argument("--format", choices=["human", "json", "sarif", "junit"], default="human")
    parser.add_argument("--contract", type=Path, help="a contract to judge by instead of the package's own")
    parser.add_argument("--previous", type=Path, help="the last admitted release: its folder or contract")
    parser.add_argument(
        "--require-vectors", action="store_true", help="refuse a package without golden vectors"
    )
    parser.add_argument(
        "--warn-environment", action="store_true", help="only warn of variables that are not set"
    )
    parser.add_argument(
        "--strict-sandbox", action="store_true", help="refuse to probe without full confinement"
    )
    parser.add_argument("--colour", choices=["auto", "always", "never"], default="auto")


def policy_of(given: argparse.Namespace) -> Policy:
    return Policy(
        require_vectors=given.require_vectors,
        missing_environment="warn" if given.warn_environment else "refuse",
        sandbox="strict" if given.strict_sandbox else "best-effort",
    )


def _package(path: Path) -> Path:
    """The package a path is in: a file's nearest folder upwards that holds a contract."""
    if path.is_dir() or not path.exists():
        return path
    holding = [folder for folder in path.resolve().parents if (folder / "contract.yaml").is_file()]
    return holding[0] if holding else path.parent


def _told(verdict: Verdict, path: Path, given: argparse.Namespace) -> str:
    match given.format:
        case "json":
            return as_json(verdict)
        case "sarif":
            return as_sarif(verdict)
        case "junit":
            return as_junit(verdict)
    colour = given.colour == "always" or (given.colour == "auto" and sys.stdout.isatty())
    return human(verdict, path, colour)


def _previous(given: argparse.Namespace) -> Contract | None:
    return load(given.previous) if given.previous is not None else None


def _too_large(error: PackageTooLargeError) -> Verdict:
    """A package that is not read to its end has no digest; nothing of it is admitted."""
    return Verdict(None, None, "", (Finding("X313", Severity.ERROR, str(error), place=Place(".")),))


def run_check(given: argparse.Namespace) -> int:
    """Judge every package; the worst exit code of all."""
    engine = Engine(policy_of(given))
    worst = ADMITTED
    try:
        previous = _previous(given)
        contract = given.contract.read_bytes() if given.contract is not None else None
        for package in dict.fromkeys(_package(path) for path in given.path):
            try:
                verdict = engine.check(package, previous, contract)
            except PackageTooLargeError as error:
                verdict = _too_large(error)
            sys.stdout.write(_told(verdict, package, given))
            worst = max(worst, exit_code(verdict))
    except ContractError as error:
        print(f"treaty-contracts: {given.previous}: {error}", file=sys.stderr)
        return CONTRACT_ERROR
    except OSError as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    return worst


def run_watch(given: argparse.Namespace) -> int:
    """Judge, then again after every change, until interrupted."""
    engine = Engine(policy_of(given))
    seen: dict[Path, str] = {}
    packages = list(dict.fromkeys(_package(path) for path in given.path))
    try:
        while True:
            for package in packages:
                try:
                    digest = take(package).digest
                except (OSError, PackageTooLargeError) as error:
                    digest = str(error)
                if seen.get(package) == digest:
                    continue
                seen[package] = digest
                try:
                    sys.stdout.write(_told(engine.check(package, _previous(given)), package, given))
                except (OSError, PackageTooLargeError, ContractError) as error:
                    print(f"treaty-contracts: {error}", file=sys.stderr)
                sys.stdout.flush()
            time.sleep(_PAUSE_S)
    except KeyboardInterrupt:
        return ADMITTED

"""`treaty-contracts` judges a plugin package. Exits 0 admitted, 1 refused, 2 contract error, 3 failure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from treaty_contracts.engine import Engine
from treaty_contracts.package import PackageTooLargeError
from treaty_contracts.policy import Policy
from treaty_contracts.verdict import Verdict

__all__ = ["ADMITTED", "CONTRACT_ERROR", "REFUSED", "TOOL_FAILURE", "exit_code", "main"]

ADMITTED, REFUSED, CONTRACT_ERROR, TOOL_FAILURE = 0, 1, 2, 3


def exit_code(verdict: Verdict) -> int:
    if verdict.contract_error:
        return CONTRACT_ERROR
    return ADMITTED if verdict.admitted_here else REFUSED


def _human(verdict: Verdict) -> str:
    lines = []
    for finding in (*verdict.findings, *verdict.host):
        lines.append(f"{finding.severity} {finding.code} {finding.place or ''} {finding.message}")
    lines.append(("admitted " if verdict.admitted_here else "refused ") + verdict.digest)
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="treaty-contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="judge a package folder")
    check.add_argument("path", type=Path)
    check.add_argument("--format", choices=["human", "json", "sarif", "junit"], default="human")
    return parser


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        verdict = Engine(Policy()).check(given.path)
    except (OSError, PackageTooLargeError) as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    if given.format == "json":
        sys.stdout.buffer.write(verdict.to_json())
    else:
        print(_human(verdict))
    return exit_code(verdict)


def entry() -> None:
    sys.exit(main())


if __name__ == "__main__":
    entry()

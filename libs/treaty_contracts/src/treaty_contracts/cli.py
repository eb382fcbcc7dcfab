"""`treaty-contracts` judges a plugin package. Exits 0 admitted, 1 refused, 2 contract error, 3 failure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from treaty_contracts.engine import Engine
from treaty_contracts.importing.spymodel import SpymodelError, convert, read_spymodel
from treaty_contracts.model import load_bytes
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
    spymodel = commands.add_parser(
        "import-spymodel", help="turn an ImportSpy contract into a treaty/v1 contract"
    )
    spymodel.add_argument("file", type=Path)
    spymodel.add_argument("--output", type=Path, help="the contract to write; its folder is the package")
    return parser


def _import_spymodel(source: Path, output: Path | None) -> int:
    folder = output.parent if output is not None else source.parent
    try:
        contract = convert(read_spymodel(source.read_bytes()), source, folder)
    except SpymodelError as error:
        print(f"treaty-contracts: {source}: {error}", file=sys.stderr)
        return CONTRACT_ERROR
    text = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110)
    loaded = load_bytes("contract.yaml", text.encode())
    for finding in loaded.findings:
        print(f"treaty-contracts: {source}: {finding.message}", file=sys.stderr)
    if loaded.contract is None:
        return CONTRACT_ERROR
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
    return ADMITTED


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        if given.command == "import-spymodel":
            return _import_spymodel(given.file, given.output)
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

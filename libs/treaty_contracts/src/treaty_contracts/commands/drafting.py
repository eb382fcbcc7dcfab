"""`init` drafts a contract from code and vectors; `schema` prints the contract's JSON Schema."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from treaty_contracts.commands.exits import ADMITTED, CONTRACT_ERROR, TOOL_FAILURE
from treaty_contracts.drafting import DraftError, draft
from treaty_contracts.model.schema import contract_schema
from treaty_contracts.package import PackageTooLargeError, take

__all__ = ["add_arguments", "add_schema_arguments", "run_init", "run_schema"]

HEAD = """\
# Drafted from the code and its vectors: names and types, not intentions.
# Check quantities and units against the vendor's document before you promise them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="the package folder; its contract.yaml must not exist yet")


def run_init(given: argparse.Namespace) -> int:
    destination = given.path / "contract.yaml"
    try:
        contract = draft(take(given.path).files, given.path.resolve().name)
        with destination.open("x", encoding="utf-8") as file:
            file.write(HEAD + yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110))
    except DraftError as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return CONTRACT_ERROR
    except (OSError, PackageTooLargeError) as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    print(f"wrote {destination}; next: treaty-contracts check {given.path}")
    return ADMITTED


def add_schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path)


def run_schema(given: argparse.Namespace) -> int:
    if given.output is None:
        sys.stdout.buffer.write(contract_schema())
    else:
        given.output.write_bytes(contract_schema())
    return ADMITTED

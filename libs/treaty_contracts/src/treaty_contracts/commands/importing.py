"""`import-spymodel`: an ImportSpy contract as treaty/v1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from treaty_contracts.commands.exits import ADMITTED, CONTRACT_ERROR, TOOL_FAILURE
from treaty_contracts.importing.reading import SpymodelError, read_spymodel
from treaty_contracts.importing.spymodel import convert
from treaty_contracts.model import load_bytes

__all__ = ["add_arguments", "run_import_spymodel"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="an ImportSpy contract, of 0.4 or 0.5")
    parser.add_argument("--output", type=Path, help="the contract to write; its folder is the package")


def run_import_spymodel(given: argparse.Namespace) -> int:
    source, output = given.file, given.output
    folders = [output.parent] if output is not None else []
    folder = next((part for part in [*folders, source.parent] if any(part.rglob("*.py"))), source.parent)
    try:
        contract = convert(read_spymodel(source.read_bytes()), source, folder)
    except SpymodelError as error:
        print(f"treaty-contracts: {source}: {error}", file=sys.stderr)
        return CONTRACT_ERROR
    except OSError as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
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

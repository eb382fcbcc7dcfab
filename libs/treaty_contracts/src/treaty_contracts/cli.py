"""`treaty-contracts` judges plugin packages. Exits 0 admitted, 1 refused, 2 contract error, 3 failure."""

from __future__ import annotations

import argparse
import sys
import traceback

from treaty_contracts.commands import check, drafting, importing, signing
from treaty_contracts.commands.check import exit_code
from treaty_contracts.commands.exits import ADMITTED, CONTRACT_ERROR, REFUSED, TOOL_FAILURE

__all__ = ["ADMITTED", "CONTRACT_ERROR", "REFUSED", "TOOL_FAILURE", "entry", "exit_code", "main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="treaty-contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, add_arguments, run, summary in (
        ("check", check.add_arguments, check.run_check, "judge package folders"),
        ("watch", check.add_arguments, check.run_watch, "judge again whenever a file changes"),
        ("init", drafting.add_arguments, drafting.run_init, "draft a contract from code and vectors"),
        (
            "import-spymodel",
            importing.add_arguments,
            importing.run_import_spymodel,
            "turn an ImportSpy contract into ours",
        ),
        (
            "schema",
            drafting.add_schema_arguments,
            drafting.run_schema,
            "the contract's JSON Schema, for editors",
        ),
        ("keygen", signing.add_keygen_arguments, signing.run_keygen, "make an Ed25519 key pair"),
        ("sign", signing.add_sign_arguments, signing.run_sign, "judge a package and sign the verdict"),
        (
            "verify",
            signing.add_verify_arguments,
            signing.run_verify,
            "verify a signed verdict or attestation",
        ),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        add_arguments(command)
        command.set_defaults(run=run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except Exception:
        traceback.print_exc()
        return TOOL_FAILURE


def entry() -> None:
    sys.exit(main())


if __name__ == "__main__":
    entry()

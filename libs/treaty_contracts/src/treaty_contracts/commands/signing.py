"""`keygen`, `sign` and `verify`: Ed25519 keys, signed verdicts and attestations."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from treaty_contracts.attesting.envelope import (
    ATTESTATION,
    VERDICT,
    SignatureInvalidError,
    key_id,
    sign,
    verify,
)
from treaty_contracts.attesting.keys import private_key, public_key
from treaty_contracts.attesting.statement import attestation
from treaty_contracts.commands.check import exit_code
from treaty_contracts.commands.exits import ADMITTED, REFUSED, TOOL_FAILURE
from treaty_contracts.engine import Engine, digest
from treaty_contracts.environment import this_host
from treaty_contracts.model import ContractError, load

__all__ = [
    "add_keygen_arguments",
    "add_sign_arguments",
    "add_verify_arguments",
    "run_keygen",
    "run_sign",
    "run_verify",
]


def add_keygen_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the private key to write; the public one gets .pub after it")


def run_keygen(given: argparse.Namespace) -> int:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        descriptor = os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
        Path(f"{given.file}.pub").write_bytes(public)
    except OSError as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    print(key_id(key.public_key()))
    return ADMITTED


def add_sign_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="the package to judge")
    parser.add_argument("--key", type=Path, required=True, help="an Ed25519 private key, PEM")
    parser.add_argument("--attest", action="store_true", help="bind the verdict to this host and its sandbox")
    parser.add_argument("--output", type=Path, help="where the envelope goes; standard output otherwise")


def run_sign(given: argparse.Namespace) -> int:
    """Judge, and sign the verdict whatever it is; the exit code is the judgement's."""
    try:
        key = private_key(given.key)
        verdict = Engine().check(given.path)
        kind, payload = VERDICT, verdict.to_json()
        if given.attest:
            contract = None if verdict.contract_error else load(given.path)
            kind, payload = ATTESTATION, attestation(verdict, this_host(), contract)
        envelope = sign(kind, payload, key).to_json()
        if given.output is None:
            sys.stdout.buffer.write(envelope)
        else:
            given.output.write_bytes(envelope)
    except (OSError, ValueError, ContractError) as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    return exit_code(verdict)


def add_verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a signed verdict or attestation")
    parser.add_argument("--key", type=Path, required=True, help="the signer's Ed25519 public key, PEM")
    parser.add_argument("--package", type=Path, help="a folder that must be the judged package to the byte")


def run_verify(given: argparse.Namespace) -> int:
    """0 where the signature holds, the package was admitted and, if given, is the judged one; 1 otherwise."""
    try:
        key = public_key(given.key)
        content = given.file.read_bytes()
        found = digest(given.package) if given.package is not None else None
    except (OSError, ValueError) as error:
        print(f"treaty-contracts: {error}", file=sys.stderr)
        return TOOL_FAILURE
    try:
        envelope = verify(content, key)
        body = json.loads(envelope.payload)
    except (SignatureInvalidError, ValueError) as error:
        print(f"treaty-contracts: {given.file}: {error}", file=sys.stderr)
        return REFUSED
    print(f"signed by {envelope.key}: {body.get('plugin')} {body.get('version')} {body.get('digest')}")
    if found is not None and found != body.get("digest"):
        print(f"treaty-contracts: {given.package} is another package: {found}", file=sys.stderr)
        return REFUSED
    print("admitted" if body.get("admitted") is True else "refused")
    return ADMITTED if body.get("admitted") is True else REFUSED

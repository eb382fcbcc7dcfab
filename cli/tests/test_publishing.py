"""What `treaty plugin publish` tells governance, and what it refuses to tell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from treaty_cli.main import app
from treaty_contracts import check
from treaty_contracts.attesting import verify
from treaty_contracts.attesting.envelope import ATTESTATION, VERDICT
from treaty_contracts.attesting.keys import public_key
from treaty_contracts.cli import main as contracts

if TYPE_CHECKING:
    from conftest import Asked, Serve

ROOT = Path(__file__).parents[2]
NAME = "milesight-em300"


def takes_everything(asked: Asked) -> tuple[int, bytes]:
    if asked.path.endswith("attestations"):
        return 204, b""
    return 201, b'{"plugin": "it", "state": "admitted"}'


@pytest.fixture
def told(serve: Serve) -> list[Asked]:
    """What a governance that takes everything was told."""
    return serve(takes_everything)


def sent(told: list[Asked]) -> list[tuple[str, bytes]]:
    return [(one.path, one.body) for one in told]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "plugins" / NAME, tmp_path / NAME)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "publisher.pem"
    assert contracts(["keygen", str(file)]) == 0
    return file


def publish(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["plugin", "publish", *map(str, arguments)])


def test_without_a_key_the_verdict_goes_as_it_is(told: list[Asked], package: Path) -> None:
    found = publish(package, "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == [{"plugin": "it", "state": "admitted"}]
    assert sent(told) == [(f"/v1/plugins/{NAME}/verdicts", check(package).to_json())]


def test_with_a_key_verdict_and_attestation_go_signed(told: list[Asked], package: Path, key: Path) -> None:
    found = publish(package, "--key", key, "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == [{"plugin": "it", "state": "admitted"}], "the decision alone"
    assert [path for path, _ in sent(told)] == [
        f"/v1/plugins/{NAME}/verdicts/signed",
        f"/v1/plugins/{NAME}/attestations",
    ]
    verdict, attestation = (verify(body, public_key(Path(f"{key}.pub"))) for _, body in sent(told))
    assert (verdict.kind, verdict.payload) == (VERDICT, check(package).to_json())
    assert attestation.kind == ATTESTATION
    assert json.loads(attestation.payload)["verdict"] == check(package).verdict_digest


def test_what_was_signed_elsewhere_goes_byte_for_byte_and_verdicts_first(
    told: list[Asked], package: Path, key: Path, tmp_path: Path
) -> None:
    verdict, attestation = tmp_path / "verdict.json", tmp_path / "attestation.json"
    assert contracts(["sign", str(package), "--key", str(key), "--output", str(verdict)]) == 0
    assert contracts(["sign", str(package), "--key", str(key), "--attest", "--output", str(attestation)]) == 0
    found = publish("--signed", attestation, "--signed", verdict)
    assert found.exit_code == 0, found.output
    assert sent(told) == [
        (f"/v1/plugins/{NAME}/verdicts/signed", verdict.read_bytes()),
        (f"/v1/plugins/{NAME}/attestations", attestation.read_bytes()),
    ]


def test_a_refused_package_is_not_signed(told: list[Asked], package: Path, key: Path) -> None:
    (package / "decoder.py").write_text("import socket\n")
    assert publish(package, "--key", key).exit_code == 1
    assert told == []


@pytest.mark.parametrize("content", [None, "nonsense", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_key_that_cannot_be_used_is_named_and_nothing_is_told(
    told: list[Asked], package: Path, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_text(content)
    found = publish(package, "--key", file)
    assert (found.exit_code, told) == (3, [])
    assert "key.pem" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"payloadType": "application/json", "payload": "e30="}',
        '{"payloadType": "application/vnd.treaty.verdict+json", "payload": "e30="}',
        '{"payloadType": "application/vnd.treaty.verdict+json", "payload": "eyJwbHVnaW4iOiAiLi4vLi4ifQ=="}',
    ],
    ids=["empty", "a list", "of another kind", "of no plugin", "of a path"],
)
def test_a_file_that_is_no_envelope_is_named_and_nothing_is_told(
    told: list[Asked], tmp_path: Path, body: str
) -> None:
    (tmp_path / "signed.json").write_text(body)
    found = publish("--signed", tmp_path / "signed.json")
    assert (found.exit_code, told) == (3, [])
    assert "signed.json" in found.stderr


def test_folders_and_envelopes_exclude_each_other(told: list[Asked], package: Path, key: Path) -> None:
    assert publish().exit_code == 2
    assert publish(package, "--signed", key).exit_code == 2
    assert publish("--signed", key, "--key", key).exit_code == 2
    assert told == []

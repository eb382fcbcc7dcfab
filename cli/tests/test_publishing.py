"""What `treaty plugin publish` tells governance, and what it refuses to tell."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from treaty_cli import credentials
from treaty_cli.addresses import AddressError
from treaty_cli.api import Api
from treaty_cli.home import Home
from treaty_cli.main import app
from treaty_cli.publishing import signing_key
from treaty_cli.up import admission, services
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


def test_a_key_may_be_named_by_the_environment(
    told: list[Asked], package: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREATY_VERDICT_KEY_FILE", str(key))
    assert publish(package).exit_code == 0
    assert sent(told)[0][0] == f"/v1/plugins/{NAME}/verdicts/signed"


def test_a_home_signs_for_its_own_platform_where_signatures_are_required_and_for_no_other(
    told: list[Asked], package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    assert signing_key(home) is None
    monkeypatch.setenv("TREATY_VERDICT_SIGNATURES", "require")
    assert signing_key(home) == credentials.ensure(home).publisher_key
    assert signing_key(home, tmp_path / "named") == tmp_path / "named"
    assert publish(package).exit_code == 0
    assert [path for path, _ in sent(told)] == [f"/v1/plugins/{NAME}/verdicts"], "a platform elsewhere"


def test_what_a_start_publishes_is_signed_with_the_key_that_it_has_governance_trust(
    told: list[Asked], package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("TREATY_VERDICT_SIGNATURES", "require")
    where = os.environ["TREATY_GOVERNANCE_URL"]
    monkeypatch.setattr(admission, "Api", lambda home, service: Api.at(where, "a.token"))
    admission.check_signing(home)
    assert admission.publish(home, admission.judge(package)) == "it admitted"
    keys = credentials.ensure(home)
    environment = services.environment(keys, {}, {s.name: 1 for s in services.SERVICES}, tmp_path)
    trusted = public_key(Path(environment["TREATY_VERDICT_KEYS_FILE"]))
    assert [verify(body, trusted).kind for _, body in sent(told)] == [VERDICT, ATTESTATION]
    assert keys.publisher_key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TREATY_VERDICT_KEYS_FILE": "keys.pem"}, "TREATY_VERDICT_KEY_FILE has to name the private one"),
        ({"TREATY_VERDICT_KEY_FILE": "/none.pem"}, r"TREATY_VERDICT_KEY_FILE: .*/none\.pem"),
    ],
)
def test_a_start_that_could_not_publish_is_not_begun(
    settings: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREATY_VERDICT_SIGNATURES", "require")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AddressError, match=said):
        admission.check_signing(Home(tmp_path))

"""The command: exit codes, formats, and the same bytes every time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from treaty_contracts import Engine, Policy
from treaty_contracts.cli import main

CORPUS = Path(__file__).parent / "corpus"
HONEST = CORPUS / "honest" / "decoder_with_vectors" / "input"
HOSTILE = CORPUS / "hostile" / "reordered_arguments" / "input"
BYTES = "import sys; from pathlib import Path; from treaty_contracts import Engine\n" + (
    "for path in sys.argv[1:]: sys.stdout.buffer.write(Engine().check(Path(path)).to_json())"
)


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(HONEST)]) == 0
    assert main(["check", str(HOSTILE)]) == 1
    (tmp_path / "contract.yaml").write_text("contract: treaty/v2\n")
    assert main(["check", str(tmp_path)]) == 2
    assert main(["check", str(tmp_path / "nowhere")]) == 3
    assert "No such file" in capsys.readouterr().err


def test_the_worst_of_several_counts_and_files_name_their_package() -> None:
    assert main(["check", str(HONEST / "plugin.py"), str(HOSTILE / "plugin.py")]) == 1


def test_people_see_the_line_and_a_caret(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--colour", "never", str(HOSTILE)])
    told = capsys.readouterr().out
    assert "error S202" in told
    assert "    1 | def decode(port: int, payload: bytes) -> dict:\n      | ^^^" in told
    assert "promised: structure.modules.plugin.functions.decode (contract line" in told


def test_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "sarif", str(HOSTILE)])
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == "2.1.0"
    [result] = document["runs"][0]["results"]
    assert result["ruleId"] == "S202"
    assert result["level"] == "error"
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "plugin.py"
    assert location["region"] == {"startLine": 1, "startColumn": 1}


def test_junit(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "junit", str(HOSTILE)])
    suite = ET.fromstring(capsys.readouterr().out)
    assert suite.get("failures") == "1"
    assert suite.find("testcase/failure") is not None


def test_json_tells_host_and_verdict_apart(capsys: pytest.CaptureFixture[str]) -> None:
    case = CORPUS / "hostile" / "missing_variable" / "input"
    assert main(["check", "--format", "json", str(case)]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["admitted"] is True
    assert body["admitted_here"] is False
    assert [finding["code"] for finding in body["host"]] == ["E405"]
    assert main(["check", "--warn-environment", str(case)]) == 0


def test_a_verdict_is_the_same_bytes_under_every_hash_seed(tmp_path: Path) -> None:
    names = [
        "hostile/rebound_by_helper",
        "hostile/vector_differs",
        "hostile/helper_reexports_sys",
        "honest/dataclasses",
    ]
    names += ["hostile/missing_attribute", "hostile/undeclared_error"]
    copy = tmp_path / "elsewhere"
    shutil.copytree(CORPUS, copy, symlinks=True)
    outputs = set()
    for seed, root in (("0", CORPUS), ("1", copy), ("4242", CORPUS)):
        paths = [str(root / name / "input") for name in names]
        ran = subprocess.run(
            [sys.executable, "-c", BYTES, *paths],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
        )
        outputs.add(ran.stdout)
    assert len(outputs) == 1
    assert str(tmp_path).encode() not in outputs.pop()


def test_a_verdict_is_the_same_bytes_over_a_hundred_runs() -> None:
    case = CORPUS / "hostile" / "undeclared_error" / "input"
    assert len({Engine().check(case).to_json() for _ in range(100)}) == 1


def test_vectors_can_be_required(tmp_path: Path) -> None:
    shutil.copytree(HONEST, tmp_path / "p")
    contract = tmp_path / "p" / "contract.yaml"
    contract.write_text(contract.read_text().replace("vectors: vectors/golden.json\n", ""))
    assert Engine().check(tmp_path / "p").admitted
    assert not Engine(Policy(require_vectors=True)).check(tmp_path / "p").admitted


def test_a_change_is_judged_again(tmp_path: Path) -> None:
    package = tmp_path / "p"
    shutil.copytree(HONEST, package)
    engine = Engine()
    assert engine.check(package).admitted
    source = (package / "plugin.py").read_text()
    (package / "plugin.py").write_text(source.replace("temperature / 10", "temperature / 9"))
    assert not engine.check(package).admitted
    (package / "plugin.py").write_text(source)
    assert engine.check(package).admitted


def test_signing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    assert main(["keygen", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert main(["keygen", str(key)]) == 3
    signed = tmp_path / "verdict.json"
    assert main(["sign", str(HONEST), "--key", str(key), "--output", str(signed)]) == 0
    verify = ["verify", str(signed), "--key", f"{key}.pub"]
    assert main([*verify, "--package", str(HONEST)]) == 0
    assert main([*verify, "--package", str(HOSTILE)]) == 1
    attested = tmp_path / "attestation.json"
    assert main(["sign", str(HONEST), "--key", str(key), "--attest", "--output", str(attested)]) == 0
    assert main(["verify", str(attested), "--key", f"{key}.pub"]) == 0
    capsys.readouterr()


def test_a_release_is_held_against_the_last(tmp_path: Path) -> None:
    package = tmp_path / "p"
    shutil.copytree(HONEST, package)
    contract = package / "contract.yaml"
    contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 1.0.1"))
    assert main(["check", str(package), "--previous", str(HONEST)]) == 0
    assert main(["check", str(HONEST), "--previous", str(HONEST)]) == 1


def test_a_contract_is_drafted(tmp_path: Path) -> None:
    package = tmp_path / "thermometer"
    shutil.copytree(HONEST, package)
    (package / "plugin.py").rename(package / "decoder.py")
    (package / "contract.yaml").unlink()
    assert main(["init", str(package)]) == 0
    assert "decode: decoder:decode" in (package / "contract.yaml").read_text()
    assert main(["init", str(package)]) == 3


def test_watch_judges_again_on_save(tmp_path: Path) -> None:
    package = tmp_path / "p"
    shutil.copytree(HONEST, package)
    code = "from treaty_contracts.cli import entry; entry()"
    command = [sys.executable, "-u", "-c", code, "watch", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            seen = iter(watching.stdout)
            assert any(line.startswith("admitted:") for line in seen)
            with (package / "plugin.py").open("a") as file:
                file.write("import socket\n")
            assert any(line.startswith("refused:") for line in seen)
        finally:
            watching.kill()

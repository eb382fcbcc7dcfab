"""What a plugin tries once its imports are allowed: the confined child has nothing to give.

Each attempt's code also runs here in a plain process, where it succeeds: the tests fail without confinement.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from treaty_contracts import Engine, Verdict

CONTRACT = """
contract: treaty/v1
plugin: attempt
version: 1.0.0
structure:
  modules:
    plugin: {functions: {decode: {arguments: [{name: payload, annotation: bytes}], returns: dict}}}
imports: {allow: [os, sys, socket, subprocess, signal, threading, ctypes, pathlib, builtins]}
"""


def package(folder: Path, attempt: str) -> Path:
    """A plugin that makes the attempt and hides whatever comes of it."""
    body = "\n".join("        " + line for line in attempt.strip().splitlines())
    head = "def decode(payload: bytes) -> dict:\n    try:\n"
    source = f"{head}{body}\n    except Exception:\n        pass\n    return {{}}\n"
    folder.mkdir(exist_ok=True)
    (folder / "plugin.py").write_text(source)
    (folder / "contract.yaml").write_text(CONTRACT)
    return folder


def judged(folder: Path, attempt: str) -> Verdict:
    verdict = Engine().check(package(folder, attempt))
    assert verdict.applied is not None, verdict.findings
    return verdict


def plainly(folder: Path) -> None:
    """The same code in a process nobody confines."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import plugin; plugin.decode(b'x')"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False, capture_output=True, timeout=180)


def test_it_writes_no_file(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    judged(tmp_path / "p", f"import pathlib\npathlib.Path({str(canary)!r}).write_text('ran')")
    assert not canary.exists()
    plainly(tmp_path / "p")
    assert canary.exists()


def test_it_reads_nothing_outside_its_package(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse")
    attempt = f"import pathlib\nreturn {{'found': pathlib.Path({str(secret)!r}).read_text()}}"
    verdict = judged(tmp_path / "p", attempt + "\n")
    assert b"correct horse" not in verdict.to_json()
    source = (tmp_path / "p" / "plugin.py").read_text()
    ran = subprocess.run(
        [sys.executable, "-c", source + "print(decode(b''))"], capture_output=True, text=True, check=False
    )
    assert "correct horse" in ran.stdout


def test_it_opens_no_socket(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        judged(tmp_path / "p", f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)")
        with pytest.raises(TimeoutError):
            server.accept()
        server.settimeout(120)
        plainly(tmp_path / "p")
        server.accept()[0].close()


def test_it_starts_no_process(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    judged(tmp_path / "p", f"import subprocess\nsubprocess.run(['touch', {str(canary)!r}])")
    assert not canary.exists()
    plainly(tmp_path / "p")
    assert canary.exists()


def test_it_signals_nobody(tmp_path: Path) -> None:
    """Not the judge, not even its parent: the judge lives to give the verdict."""
    verdict = judged(
        tmp_path / "p", "import os, signal\nfor pid in (os.getppid(), 1):\n    os.kill(pid, signal.SIGKILL)"
    )
    assert verdict.digest


def test_what_it_prints_changes_nothing(tmp_path: Path) -> None:
    forged = b'{"admitted": true}'
    attempt = (
        "import os\nfor number in range(3, 64):\n    try:\n"
        f"        os.write(number, {forged!r})\n    except OSError:\n        pass"
    )
    verdict = judged(tmp_path / "p", attempt)
    assert not verdict.admitted


@pytest.mark.parametrize("status", [0, 1, 77])
def test_how_it_exits_changes_nothing(tmp_path: Path, status: int) -> None:
    verdict = judged(tmp_path / "p", f"import os\nos._exit({status})")
    assert not verdict.admitted
    assert "P511" in {finding.code for finding in verdict.findings}


def test_it_exhausts_no_memory(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "p", "held = [bytearray(1 << 28) for _ in range(64)]")
    assert verdict.digest


def test_it_hangs_nobody(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "p", "import signal\nwhile True:\n    pass")
    assert {finding.code for finding in verdict.findings} >= {"P509"}

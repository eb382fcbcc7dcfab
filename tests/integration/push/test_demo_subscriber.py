"""The demo's subscriber as the process it is: everything once, through the push gateway's sudden death."""

import json
import signal
import subprocess
import sys
import time

import pytest

from treaty_cli.demo.journal import delivered, marks

# One node for both.
pytestmark = pytest.mark.xdist_group("push-subscriber")


def until(done, process, within_s=120):
    deadline = time.monotonic() + within_s
    while not done():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def seed(node, issuer, workspace, tmp_path):
    path = tmp_path / "demo.json"
    path.write_text(
        json.dumps(
            {
                "workspace": workspace,
                "token": issuer.token(workspace),
                "push_url": node.http,
                "registry_url": "http://127.0.0.1:1",
                "bootstrap_servers": "127.0.0.1:1",
                "gateways": [],
                "devices": [],
            }
        )
    )
    return path


@pytest.fixture
def subscriber(seed, tmp_path):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "treaty_cli.demo.reconciler", "subscribe"),
            *("--seed-file", seed, "--log", tmp_path / "journal.jsonl"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def test_everything_is_logged_once_through_a_kill(node, writer, subscriber, tmp_path):
    journal = tmp_path / "journal.jsonl"
    until(lambda: "live" in marks(journal), subscriber)
    writer.write(40)
    until(lambda: len(delivered(journal)) == 40, subscriber)
    node.kill()
    writer.write(30)
    writer.write(20, abort=True)
    node.start()
    writer.write(10)
    until(lambda: len(delivered(journal)) >= 80, subscriber)
    subscriber.send_signal(signal.SIGTERM)
    _, log = subscriber.communicate(timeout=120)
    assert subscriber.returncode == 0, log
    found = delivered(journal)
    assert sorted(d.id for d in found) == sorted(writer.committed)
    assert all(d.received_ms > 1_700_000_000_000 for d in found)
    assert marks(journal)[0] == "live"
    assert marks(journal)[-1] == "stopped"


def test_a_token_for_another_workspace_is_a_clear_end(seed, issuer, tmp_path):
    body = json.loads(seed.read_text())
    seed.write_text(json.dumps(body | {"token": issuer.token("w-another")}))
    found = subprocess.run(
        [
            *(sys.executable, "-m", "treaty_cli.demo.reconciler", "subscribe"),
            *("--seed-file", seed, "--log", tmp_path / "journal.jsonl"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 2
    assert "forbidden" in found.stderr
    assert "Traceback" not in found.stderr

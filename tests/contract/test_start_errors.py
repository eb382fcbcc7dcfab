"""Every service says in one line why it cannot start, and shows nothing of what may be secret."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

URLS = ("DATABASE_URL", "REDIS_URL", "TREATY_REGISTRY_URL")
SERVICES = {
    "treaty_ingestion.app": (),
    "treaty_normalization.app": (),
    "treaty_push_gateway.app": ("TREATY_REGISTRY_URL",),
    "treaty_contract_governance.__main__": ("DATABASE_URL",),
    "treaty_device_registry.__main__": ("DATABASE_URL", "REDIS_URL"),
    "treaty_device_registry.projector": ("DATABASE_URL",),
}


@pytest.mark.parametrize(("module", "urls"), SERVICES.items(), ids=list(SERVICES))
def test_settings_that_cannot_be_used_are_named_in_one_line(
    module: str, urls: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("TREATY_HTTP_PORT", "hunter2")
    monkeypatch.setenv("TREATY_LOG_LEVEL", "hunter2")
    for name in URLS:
        monkeypatch.setenv(name, "http://hunter2:hunter2@[")
    assert importlib.import_module(module).main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "TREATY_HTTP_PORT", "TREATY_LOG_LEVEL", *urls):
        assert f"{name}: " in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("module", "given", "told"),
    [
        ("treaty_ingestion", {"TREATY_SEALING_KEY": "c2hvcnQ"}, "5 bytes, 32 needed"),
        ("treaty_push_gateway", {"TREATY_JWKS_FILE": "/nowhere/jwks.json"}, "/nowhere/jwks.json"),
        ("treaty_normalization", {"TREATY_PLUGINS": "nobody"}, "nobody"),
        ("treaty_normalization", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://["}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
    ids=["a key", "a file", "a plugin", "an address"],
)
def test_what_they_name_and_cannot_be_used_is_one_line_of_the_log(
    module: str, given: dict[str, str], told: str
) -> None:
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "TREATY_HTTP_PORT": "0",
        "TREATY_REGISTRY_URL": "http://127.0.0.1:1",
        "TREATY_PLUGINS_DIR": str(Path(__file__).parents[2] / "plugins"),
        "TREATY_SANDBOX": "best-effort",
    }
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=environment | given,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["message"], told in last["error"]) == ("not_started", True), done.stderr
    assert "Traceback" not in done.stderr

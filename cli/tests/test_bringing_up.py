"""What a start tells a Kafka that it found without topics, beside databases that have their rows."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from treaty_cli import resending
from treaty_cli.progress import Progress
from treaty_cli.up import admission, bringing_up


class Platform:
    """Every part is ready at once."""

    home = None
    plugins = Path("plugins")

    def __init__(self, *, new: bool) -> None:
        self.kafka_is_new = new

    def submit(self, work: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work())
        return done

    def start(self) -> None: ...
    def wait_ready(self, names: Any) -> None: ...
    def supervise(self) -> None: ...


class Api:
    def __init__(self, home: object, service: str) -> None: ...
    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the services, in order; each topic has two rows."""
    seen: list[str] = []
    monkeypatch.setattr(bringing_up, "Api", Api)
    monkeypatch.setattr(resending, "resend", lambda api, topic: seen.append(topic) or 2)
    monkeypatch.setattr(admission, "check_signing", lambda home: None)
    monkeypatch.setattr(admission, "judge", lambda plugins: [(plugins, None)])
    monkeypatch.setattr(admission, "publish", lambda home, verdicts: seen.append("published") or "")
    return seen


def test_a_new_kafka_is_told_before_workers_are_waited_for(
    done: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bringing_up.bring_up(Platform(new=True), Progress())  # type: ignore[arg-type]
    assert done == ["gateway.changed.v1", "device.changed.v1", "contract.decided.v1", "published"]
    assert "2 of device.changed.v1" in capsys.readouterr().err


def test_a_kafka_that_has_its_data_is_told_nothing(done: list[str]) -> None:
    bringing_up.bring_up(Platform(new=False), Progress())  # type: ignore[arg-type]
    assert done == ["published"]


def test_a_folder_without_packages_is_said_to_be_one(
    done: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(admission, "judge", lambda plugins: [])
    bringing_up.bring_up(Platform(new=False), Progress())  # type: ignore[arg-type]
    assert done == []
    assert (
        "no plugin package in plugins: a package is a folder with a contract.yaml" in capsys.readouterr().err
    )

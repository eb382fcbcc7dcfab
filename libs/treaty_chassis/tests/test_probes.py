"""What orchestrators ask."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from treaty_chassis.probes import Probes, remembered


@pytest.fixture
def wrong() -> dict[str, str | None]:
    return {"views": None, "alive": None}


@pytest.fixture
def probes(wrong: dict[str, str | None]) -> Iterator[Probes]:
    registry = CollectorRegistry()
    Counter("cups", "Of tea.", registry=registry).inc(3)
    checks = {"views": lambda: wrong["views"], "runner": lambda: None}
    found = Probes("127.0.0.1", 0, checks, alive=lambda: wrong["alive"], registry=registry).start()
    yield found
    found.close()


def get(probes: Probes, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{probes.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_ready_while_every_check_passes_and_otherwise_what_is_missing(probes, wrong):
    status, body = get(probes, "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "checks": {"views": "ok", "runner": "ok"}})
    wrong["views"] = "not read to the end yet: device.changed.v1"
    status, body = get(probes, "/readyz?verbose")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "checks": {"views": "not read to the end yet: device.changed.v1", "runner": "ok"},
    }


def test_alive_is_not_ready(probes, wrong):
    wrong["views"] = "missing"
    assert get(probes, "/livez")[0] == 200
    wrong["alive"] = "the loop has ended"
    assert get(probes, "/livez") == (503, '{"alive": false, "detail": "the loop has ended"}')


def test_metrics_in_prometheus_form(probes):
    status, body = get(probes, "/metrics")
    assert status == 200
    assert "cups_total 3.0" in body


def test_nothing_else_is_served(probes):
    assert get(probes, "/")[0] == 404


def test_a_taken_port_is_an_error_at_once(probes):
    with pytest.raises(OSError, match="in use"):
        Probes("127.0.0.1", probes.port, {})


def test_a_remembered_check_is_asked_once_a_second():
    now, said = [0.0], iter(["broken", None, None])
    check = remembered(lambda: next(said), 1.0, lambda: now[0])
    assert [check(), check()] == ["broken", "broken"]
    now[0] = 1.0
    assert [check(), check()] == [None, None]


def test_nobody_waits_for_a_remembered_check_that_another_asks():
    now, asked, answer = [0.0], threading.Event(), threading.Event()

    def slow():
        if now[0]:
            asked.set()
            answer.wait(60)
        return f"at {now[0]}"

    check = remembered(slow, 1.0, lambda: now[0])
    assert check() == "at 0.0"
    now[0] = 2.0
    asking = threading.Thread(target=check)
    asking.start()
    assert asked.wait(60)
    assert check() == "at 0.0"
    answer.set()
    asking.join(60)
    assert check() == "at 2.0"

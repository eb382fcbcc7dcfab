"""The main job, end to end: two commands, real uplinks, and an account of every one of them."""

from __future__ import annotations

import json
import signal
from typing import Any

import httpx
import pytest

from treaty_embedded.process import running, wait_until

from .conftest import ANSWER_S, PATIENCE_S, READY_S

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]
SERVICES = ("ingestion", "normalization", "projector", "push", "registry", "governance")


def clean(report: dict[str, int]) -> bool:
    return report["missing"] == report["duplicates"] == report["wrong_values"] == 0


def states(url: str, bearer: dict[str, str]) -> list[Any]:
    """Of each device that has any; none while nobody answers."""
    try:
        answer = httpx.get(url, headers=bearer, timeout=ANSWER_S)
    except httpx.HTTPError:
        return []
    return answer.json()["states"] if answer.status_code == 200 else []


def test_every_uplink_of_a_timed_demo_is_accounted_for(treaty_in, tmp_path):
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo", "--for", "15", "--json")
    code, out, said = treaty.finish()
    report = json.loads(out.splitlines()[-1])
    assert clean(report), said
    assert code == 0
    assert report["readings"] == report["delivered"] > 400
    assert report["uplinks"] > 15 * 50
    assert report["refused"].keys() == {"bad_signature", "unknown_device"}
    assert report["dead_letters"].keys() == {"decode_error"}
    assert report["duplicates_dropped"] > 0
    assert report["latency_ms"]["p50"] is not None


def test_what_it_prints_works_when_pasted_and_a_second_start_finds_its_data(treaty_in, tmp_path):
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo")
    treaty.wait_said("uplinks a second")
    urls, demo = treaty.urls(), json.loads((tmp_path / ".treaty" / "demo.json").read_text())
    state = f"{urls['registry']}/v1/workspaces/{demo['workspace']}/state"
    bearer = {"Authorization": f"Bearer {treaty.lines('token')[0]}"}

    assert wait_until(lambda: len(states(state, bearer)) == len(demo["devices"]), READY_S)
    sent = treaty.json("uplink", "send")
    assert sent["gateway"] in {gateway["slug"] for gateway in demo["gateways"]}
    watched = treaty.lines("watch", "--count", "3", "--json")
    assert all({"device", "measurements", "properties"} <= json.loads(line).keys() for line in watched)
    assert len(watched) == 3
    assert httpx.get(f"{urls['push']}/", timeout=ANSWER_S).headers["content-type"].startswith("text/html")
    assert {plugin["state"] for plugin in treaty.json("plugin", "list")} == {"admitted"}
    arrived = treaty.json("smoke")
    assert arrived["reading"]["provenance"]["uplink"] == arrived["uplink"]

    code, _, said = treaty.finish(signal.SIGINT)
    assert code == 0, said
    treaty.start("up")
    treaty.wait_said("Ctrl-C stops it")
    bearer = {"Authorization": f"Bearer {treaty.lines('token')[0]}"}
    state = f"{treaty.urls()['registry']}/v1/workspaces/{demo['workspace']}/state"
    assert len(states(state, bearer)) == len(demo["devices"])
    code, _, said = treaty.finish(signal.SIGTERM)
    assert code == 0, said


def test_neither_a_quarantine_nor_any_service_s_sudden_death_loses_or_repeats_anything(treaty_in, tmp_path):
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo", "--check", "--json")
    treaty.wait_said("uplinks a second")
    quarantined = treaty.json("plugin", "quarantine", "decentlab", "--reason", "a test")
    assert quarantined["state"] == "quarantined"
    assert len(treaty.lines("watch", "--model", "milesight-iot/am307", "--count", "3", "--json")) == 3
    assert treaty.json("plugin", "reinstate", "decentlab")["state"] == "admitted"
    for service in SERVICES:
        treaty.kill(service)
        treaty.wait_said(f"{service:<21}was killed by SIGKILL")
        assert len(treaty.lines("watch", "--count", "5", "--json")) == 5, service
    code, out, said = treaty.finish(signal.SIGINT)
    report = json.loads(out.splitlines()[-1])
    assert clean(report), said
    assert code == 0


def test_nothing_outlives_the_command_and_a_fleet_whose_secrets_were_lost_gets_new_ones(treaty_in, tmp_path):
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo")
    treaty.wait_said("uplinks a second")
    pids = treaty.started()
    assert {treaty.pid(service) for service in SERVICES} <= set(pids)
    code, _, _ = treaty.finish(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert wait_until(lambda: not any(running(pid) for pid in pids), PATIENCE_S)

    (tmp_path / ".treaty" / "demo.json").unlink()
    treaty.start("demo", "--for", "5", "--json")
    code, out, said = treaty.finish()
    report = json.loads(out.splitlines()[-1])
    assert clean(report), said
    assert code == 0
    assert report["readings"] > 100

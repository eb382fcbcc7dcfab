"""`treaty outbox` over the registry's and governance's events that Kafka refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from treaty_cli.main import app

if TYPE_CHECKING:
    from conftest import Asked, Serve

EVENT = {
    "id": 17,
    "topic": "command.requested.acme.v1",
    "key": "a-device",
    "event_id": "a-command",
    "event_type": "treaty.command.requested.v1",
    "size": 300,
    "state": "failed",
    "reason": "there is no such topic (UNKNOWN_TOPIC_OR_PART)",
    "attempts": 8,
    "created_at": "2026-11-21T10:00:00Z",
    "failed_at": "2026-11-21T10:02:03Z",
    "waiting": 2,
}


def outbox(asked: Asked) -> tuple[int, bytes]:
    if asked.method == "GET":
        return 200, json.dumps({"items": [EVENT], "next": None}).encode()
    if asked.method == "DELETE":
        return (
            (204, b"") if asked.path.endswith("/17") else (404, b'{"title": "no failed event has this id"}')
        )
    return 202, b'{"enqueued": 1}'


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["outbox", *arguments])


def test_both_services_events_are_listed_with_what_stands_against_them(serve: Serve) -> None:
    serve(outbox)
    found = run("list", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == [{"service": name, **EVENT} for name in ("registry", "governance")]
    assert "there is no such topic" in run("list").stdout


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        ([], ["/v1/outbox/send-again", "/v1/outbox/send-again"]),
        (["registry"], ["/v1/outbox/send-again"]),
        (["registry", "17", "19"], ["/v1/outbox/send-again?id=17&id=19"]),
    ],
)
def test_failed_events_are_sent_again(serve: Serve, arguments: list[str], paths: list[str]) -> None:
    asked = serve(outbox)
    found = run("send", *arguments)
    assert found.exit_code == 0, found.output
    assert [(one.method, one.path) for one in asked] == [("POST", path) for path in paths]
    assert "registry: 1 on their way again" in found.stderr


def test_an_event_is_discarded_by_its_id_and_one_that_is_not_there_is_said(serve: Serve) -> None:
    asked = serve(outbox)
    assert run("discard", "registry", "17").exit_code == 0
    assert [(one.method, one.path) for one in asked] == [("DELETE", "/v1/outbox/17")]
    found = run("discard", "registry", "18")
    assert found.exit_code != 0
    assert "no failed event has this id" in str(found.exception)

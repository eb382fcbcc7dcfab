"""`treaty job resend` asks every page of every topic of the service that writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from typer.testing import CliRunner

from treaty_cli.main import app

if TYPE_CHECKING:
    from conftest import Asked, Serve


def two_pages_of_devices(asked: Asked) -> tuple[int, bytes]:
    """One of everything else."""
    url = urlsplit(asked.path)
    more = "device" in url.path and not url.query.count("cursor")
    return 202, json.dumps({"enqueued": 2, "next": "a+b/=" if more else None}).encode()


def test_every_page_of_every_topic_is_asked_for(serve: Serve) -> None:
    asked = serve(two_pages_of_devices)
    found = CliRunner().invoke(app, ["job", "resend"])
    assert found.exit_code == 0, found.output
    urls = [urlsplit(one.path) for one in asked]
    assert [(url.path, parse_qs(url.query).get("cursor", [""])[0]) for url in urls] == [
        ("/v1/resend/gateway.changed.v1", ""),
        ("/v1/resend/device.changed.v1", ""),
        ("/v1/resend/device.changed.v1", "a+b/="),
        ("/v1/resend/contract.decided.v1", ""),
    ]
    for line in ("gateway.changed.v1: 2", "device.changed.v1: 4", "contract.decided.v1: 2"):
        assert line in found.stderr

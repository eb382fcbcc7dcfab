import json
import uuid

import pytest

from treaty_push_gateway.stream.entry import read_entry


def _value(device, workspace="w1", model="m/1", names=("t",), ordered_at=0, padding=0, **more):
    return json.dumps(
        {
            "device": device,
            "workspace": workspace,
            "site": "s",
            "gateway": "g",
            "model": model,
            "observed_at": f"2026-01-01T00:00:00.{ordered_at:03}Z",
            "ordered_at": f"2026-01-01T00:00:00.{ordered_at:03}Z",
            "received_at": "2026-01-01T00:00:00.000Z",
            "measurements": [{"name": n, "value": 1.5, "unit": "Cel", "quality": "good"} for n in names],
            "properties": {},
            "provenance": {"plugin": "p", "version": "1.0.0", "digest": "x" * padding, "uplink": "u"},
        }
        | more
    ).encode()


@pytest.fixture(scope="session")
def value():
    """A ReadingNormalized's JSON; `padding` makes it larger, `ordered_at` is milliseconds."""
    return _value


@pytest.fixture(scope="session")
def entry():
    """An entry of the log, its id telling where it stands."""

    def make(partition, offset, device="d1", **more):
        headers = [("ce_id", f"{uuid.UUID(int=7)}:{partition}:{offset}:0".encode())]
        return read_entry(partition, offset, 0, _value(device, **more), headers)

    return make

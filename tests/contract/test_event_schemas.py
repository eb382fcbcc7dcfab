"""The schemas of events stay readable: what was written under an admitted one, the current one reads.

`schemas-admitted/` holds each schema as last released. A schema that changes compatibly replaces its copy
there with the release; one that cannot gets a new version and a new topic.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import treaty_events
from treaty_contracts.compatibility import Mode, check_compatibility

CURRENT = Path(treaty_events.__file__).parent / "schemas"
ADMITTED = Path(__file__).parent / "schemas-admitted"
NAMES = sorted(path.name for path in ADMITTED.glob("*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_every_event_has_an_admitted_schema() -> None:
    assert sorted(path.name for path in CURRENT.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_current_schema_reads_what_was_written(name: str) -> None:
    answer = check_compatibility(read(CURRENT / name), [read(ADMITTED / name)], Mode.BACKWARD)
    assert answer.compatible, answer.conflicts


@pytest.mark.parametrize("name", NAMES)
def test_a_breaking_change_would_show(name: str) -> None:
    """The judgement above can fail: one more required key, and it does."""
    admitted = read(ADMITTED / name)
    broken = {**admitted, "required": [*admitted.get("required", []), "a_key_nobody_wrote"]}
    assert not check_compatibility(broken, [admitted], Mode.BACKWARD).compatible

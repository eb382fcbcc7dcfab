"""What the confined child says of a call: a value, or how it failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from treaty_contracts.probe.child import Prober


class Answer(Mapping[str, int]):
    """Fails when it is looked at, not when it is made."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __getitem__(self, key: str) -> int:
        raise self.error

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def __len__(self) -> int:
        return 1


def test_a_value_too_large_to_be_told_is_a_failure() -> None:
    reply = Prober.answer(Answer, [MemoryError], {})
    assert "value" not in reply
    assert reply["error"][0] == "MemoryError"


@pytest.mark.parametrize("error", [ValueError, RecursionError, KeyboardInterrupt])
def test_a_value_that_cannot_be_told_for_another_reason_is_told_by_its_kind(
    error: type[BaseException],
) -> None:
    kind, names, parts = Prober.answer(Answer, [error], {})["value"]
    assert (kind, parts) == ("object", [])
    assert names[0].endswith("Answer")

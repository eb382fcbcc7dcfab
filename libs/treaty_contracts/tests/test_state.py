"""What calls leave behind for later calls is refused; tables made once and remembered results are not.

Each file below corpus/state/ is a module that promises `decode`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot
from treaty_contracts.static.judge import judge_source

STATE = Path(__file__).parent / "corpus" / "state"
KEPT, HONEST = (sorted((STATE / kind).glob("*.py")) for kind in ("kept", "honest"))
CALL = "def decode(payload):\n    {0}\n    return {{}}\n"


def found(source: str, classes: bool = False, **files: str) -> list[str]:
    promised = {"classes": {"Decoder": {"methods": {"decode": {}}}}}
    structure = promised if classes else {"functions": {"decode": {}}}
    body = {"contract": "treaty/v1", "plugin": "acme", "version": "1.0.0"}
    contract = Contract.model_validate({**body, "structure": {"modules": {"plugin": structure}}})
    content = {f"{name}.py": text.encode() for name, text in {"plugin": source, **files}.items()}
    facts = judge_source(Snapshot(Path("nowhere"), content), contract)
    return [finding.message for finding in facts.findings if finding.code == "X318"]


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.stem)
def test_what_is_kept_between_calls_is_found(case: Path) -> None:
    assert found(case.read_text())


@pytest.mark.parametrize("case", HONEST, ids=lambda case: case.stem)
def test_what_keeps_nothing_is_not(case: Path) -> None:
    assert not found(case.read_text())


def test_objects_of_a_promised_class_are_kept_by_callers() -> None:
    counting = "class Decoder:\n    def __init__(self): self.n = 0\n    def decode(self, p): {0}\n"
    assert found(counting.format("self.n += 1"), classes=True)
    assert not found(counting.format("self.m = len(p)"), classes=True)


def test_state_in_another_module_is_found() -> None:
    assert found("import notes\n" + CALL.format("notes.note()"), notes="L = []\ndef note(): L.append(1)\n")
    assert found("from notes import L\n" + CALL.format("L.append(1)"), notes="L = []\n")
    assert found("import notes\n" + CALL.format("notes.N = 1"), notes="N = 0\n")


def test_what_no_call_reaches_may_keep_things() -> None:
    assert not found("L = []\ndef _unused(): L.append(1)\n" + CALL.format("pass"))

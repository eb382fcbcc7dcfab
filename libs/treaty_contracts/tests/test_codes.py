"""Every code the engine can say has a page, and every page is of a code it can say."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "libs" / "treaty_contracts" / "src"
PAGES = ROOT / "docs" / "findings"


def said() -> set[str]:
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    return set(re.findall(r"\"([CSXEPWVJ][1-8]\d\d)\"", text))


def test_every_code_has_a_page() -> None:
    assert {path.stem for path in PAGES.glob("?[0-9][0-9][0-9].md")} == said()


def test_every_page_tells_cause_and_mend() -> None:
    for code in said():
        text = (PAGES / f"{code}.md").read_text()
        assert text.startswith(f"# {code}: ")
        assert "**Mend it:**" in text
        assert f"[{code}]({code}.md)" in (PAGES / "README.md").read_text()

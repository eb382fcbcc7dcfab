"""What can be said of a JavaScript codec before it runs: QuickJS gives it the language and nothing else."""

from __future__ import annotations

import re

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot
from treaty_contracts.static.files import judge_files
from treaty_contracts.static.source import hidden_characters

__all__ = ["judge_javascript"]

_ENTRY = re.compile(r"^[A-Za-z_$][\w$]*$")
_CHANGING = re.compile(
    r"Math\s*\.\s*random|Date\s*\.\s*now|new\s+Date\s*(\(\s*\)|(?![\w(]))|\bDate\s*\(\s*\)"
)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"\\])//[^\n]*", re.S)


def _blanked(text: str) -> str:
    """The text without comments, every line where it was."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def judge_javascript(snapshot: Snapshot, contract: Contract) -> list[Finding]:
    """Findings of files, entry, hidden characters, clocks and chance."""
    found = judge_files(snapshot, contract)
    if contract.entry is None:
        return found
    module, _, function = contract.entry.decode.partition(":")
    path = module.replace(".", "/") + ".js"
    if path not in snapshot.files:
        return [*found, Finding("S201", Severity.ERROR, f"the package holds no {path}", "entry.decode")]
    if not _ENTRY.match(function):
        found.append(Finding("S201", Severity.ERROR, f"{function} is no name of a function", "entry.decode"))
    try:
        text = snapshot.files[path].decode("utf-8-sig")
    except UnicodeDecodeError:
        return [*found, Finding("X311", Severity.ERROR, "the source is not UTF-8", place=Place(path))]
    found += hidden_characters(path, text)
    plain = _blanked(text)
    for match in _CHANGING.finditer(plain):
        line = plain.count("\n", 0, match.start()) + 1
        column = match.start() - plain.rfind("\n", 0, match.start())
        found.append(
            Finding(
                "X319",
                Severity.ERROR,
                f"{' '.join(match[0].split())} gives another value each time",
                place=Place(path, line, column),
                hint="take time from input.recvTime",
            )
        )
    return found

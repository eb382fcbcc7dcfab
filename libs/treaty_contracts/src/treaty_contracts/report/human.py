"""The verdict for a person at a terminal: what is wrong, where it stands, how to mend it."""

from __future__ import annotations

from pathlib import Path

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.verdict import Verdict

__all__ = ["human"]

_COLOURS = {"error": "31", "warning": "33", "note": "36", "good": "32", "dim": "2", "bold": "1"}
_MARKS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
WIDTH = 160


class _Printer:
    def __init__(self, root: Path, colour: bool) -> None:
        self.root = root
        self.colour = colour
        self.lines: dict[str, list[str]] = {}

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def source(self, path: str) -> list[str]:
        """A file's lines, control characters made visible; none where it is no plain file of the package."""
        if path not in self.lines:
            file = self.root / path
            try:
                text = "" if file.is_symlink() else file.read_text("utf-8", "replace")
            except OSError:
                text = ""
            visible = "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)
            self.lines[path] = visible.split("\n")
        return self.lines[path]

    def excerpt(self, place: Place) -> list[str]:
        lines = self.source(place.path)
        if place.line is None or not 0 < place.line <= len(lines):
            return []
        line = lines[place.line - 1].replace("\t", " ")
        gutter = f"{place.line:>5} | "
        shown = [self.paint(gutter, "dim") + line[:WIDTH]]
        if place.column is not None and place.column <= len(line):
            word = line[place.column - 1 :]
            length = next((i for i, c in enumerate(word) if not (c.isalnum() or c in "_.")), len(word)) or 1
            caret = " " * (place.column - 1) + "^" * min(length, WIDTH)
            shown.append(" " * (len(gutter) - 2) + self.paint("| ", "dim") + self.paint(caret, "error"))
        return shown

    def finding(self, finding: Finding) -> list[str]:
        mark = _MARKS[finding.severity]
        lines = [f"{self.paint(f'{mark} {finding.code}', mark)} {self.paint(finding.message, 'bold')}"]
        if finding.place is not None:
            lines.append(self.paint(f"  --> {finding.place}", "dim"))
            lines += self.excerpt(finding.place)
        if finding.promise is not None:
            at = f" (contract line {finding.promise_line})" if finding.promise_line is not None else ""
            lines.append(f"  promised: {finding.promise}{at}")
        for name in ("expected", "observed", "hint"):
            if (value := getattr(finding, name)) is not None:
                lines.append(f"  {name}: {value}")
        return [*lines, ""]


def human(verdict: Verdict, root: Path, colour: bool = False) -> str:
    """The findings with source excerpts, then the judgement in one line."""
    printer = _Printer(root, colour)
    findings = (*verdict.findings, *verdict.host)
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    lines = [
        line
        for finding in sorted(findings, key=lambda finding: order.index(finding.severity))
        for line in printer.finding(finding)
    ]
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    name = f"{verdict.plugin} {verdict.version}" if verdict.plugin else str(root)
    if verdict.admitted_here:
        lines.append(printer.paint(f"admitted: {name}", "good"))
    else:
        what = "contract error" if verdict.contract_error else "refused"
        lines.append(printer.paint(f"{what}: {name}, {errors} error{'s' if errors != 1 else ''}", "error"))
        codes = sorted({finding.code for finding in findings if finding.severity is Severity.ERROR})
        lines.append(printer.paint(f"what each code means: docs/findings/{codes[0]}.md", "dim"))
    lines.append(printer.paint(verdict.digest, "dim"))
    return "\n".join(lines) + "\n"

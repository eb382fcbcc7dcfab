"""What a check can say: one record a fact, with a stable code that docs/findings explains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Place", "Severity", "sort_findings"]


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file of the package; `path` is relative, lines and columns count from 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.path, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a package.

    `promise` is the path in the contract that is at stake ("structure.modules.decoder"), with the
    contract's line; `place` is where in the package it shows. `expected` and `observed` are plain
    text, never a value of the environment.
    """

    code: str
    severity: Severity
    message: str
    promise: str | None = None
    promise_line: int | None = None
    place: Place | None = None
    expected: str | None = None
    observed: str | None = None
    hint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready values, absent parts left out."""
        body: dict[str, Any] = {"code": self.code, "severity": self.severity.value, "message": self.message}
        if self.promise is not None:
            body["promise"] = {"path": self.promise}
            if self.promise_line is not None:
                body["promise"]["line"] = self.promise_line
        if self.place is not None:
            body["place"] = {"path": self.place.path}
            if self.place.line is not None:
                body["place"]["line"] = self.place.line
            if self.place.column is not None:
                body["place"]["column"] = self.place.column
        for name in ("expected", "observed", "hint"):
            if (value := getattr(self, name)) is not None:
                body[name] = value
        return body


def _key(finding: Finding) -> tuple[object, ...]:
    place = finding.place or Place("")
    return (
        finding.code,
        place.path,
        place.line or 0,
        place.column or 0,
        finding.promise or "",
        finding.message,
        finding.expected or "",
        finding.observed or "",
    )


def sort_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Findings in their one canonical order, repetitions dropped."""
    return tuple(sorted(set(findings), key=_key))

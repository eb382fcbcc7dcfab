"""Whether a schema may follow the earlier ones of its subject; the judgement is treaty_contracts'."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from treaty_contract_governance.subjects.model import Version
from treaty_contracts.compatibility import Mode, check_compatibility
from treaty_contracts.compatibility.containment import SchemaError

__all__ = ["DEFAULT", "Finding", "IncompatibleError", "Mode", "judge"]

DEFAULT: Final = Mode.BACKWARD_TRANSITIVE


class Finding(BaseModel):
    """One reason why two schemas are not compatible: `rule` of the reading one, a JSON Pointer into it,
    refuses what stands at `path` of `example`, a value the writing one admits. `direction` is backward where
    the new schema reads and forward where the earlier one does."""

    version: int
    direction: str
    path: str
    rule: str
    example: Any
    message: str
    fix: str

    def words(self) -> str:
        shown = json.dumps(self.example, ensure_ascii=False)
        return (
            f"version {self.version}, {self.direction}: {self.message} "
            f"(at '{self.path}', rule '{self.rule}', example {shown[:200]}; {self.fix})"
        )


class IncompatibleError(ValueError):
    """The schema may not follow the earlier ones of its subject."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.words() for finding in findings))
        self.findings = list(findings)


def judge(proposal: str, earlier: Sequence[Version], mode: Mode) -> list[Finding]:
    """What speaks against `proposal` after the versions, oldest first; nothing where it is compatible. What
    cannot be proved is not compatible."""
    if mode is Mode.NONE:
        return []
    against = earlier if mode.endswith("TRANSITIVE") else earlier[-1:]
    return [finding for version in against for finding in _compared(json.loads(proposal), version, mode)]


def _compared(proposal: Any, version: Version, mode: Mode) -> list[Finding]:
    try:
        found = check_compatibility(proposal, [json.loads(version.text)], mode)
    except SchemaError as error:
        fix = "write both schemas so that they can be compared, or set the subject's compatibility to NONE"
        return [_finding(version, "either", message=f"the two cannot be compared: {error}", fix=fix)]
    findings = []
    for conflict in found.conflicts:
        if not conflict.incompatibilities:
            message = "neither a proof nor a counterexample was found"
            fix = "simplify what differs, or set the subject's compatibility to NONE"
            findings.append(_finding(version, conflict.direction, message=message, fix=fix))
        findings += [
            Finding(
                version=version.version,
                direction=conflict.direction,
                path=one.path,
                rule=one.rule,
                example=one.example,
                message=one.message,
                fix=one.fix,
            )
            for one in conflict.incompatibilities
        ]
    return findings


def _finding(version: Version, direction: str, *, message: str, fix: str) -> Finding:
    return Finding(
        version=version.version,
        direction=direction,
        path="",
        rule="",
        example=None,
        message=message[:1000],
        fix=fix,
    )

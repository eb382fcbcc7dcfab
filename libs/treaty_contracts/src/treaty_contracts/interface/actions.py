"""Actions: their argument schemas are schemas, and something encodes them."""

from __future__ import annotations

import jsonschema_rs

from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract

__all__ = ["judge_actions"]


def judge_actions(contract: Contract) -> list[Finding]:
    found: list[Finding] = []
    for name, action in contract.actions.items():
        promise = f"actions.{name}.arguments"
        try:
            jsonschema_rs.meta.validate(action.arguments)
            jsonschema_rs.validator_for(action.arguments, pattern_options=jsonschema_rs.RegexOptions())
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            message = getattr(error, "message", str(error))
            found.append(Finding("W607", Severity.ERROR, f"no JSON Schema: {message}", promise))
    if contract.actions and (contract.entry is None or contract.entry.encode is None):
        found.append(
            Finding(
                "W608",
                Severity.ERROR,
                "actions are declared and nothing encodes them",
                "actions",
                hint='name the encoder: entry: {encode: "encoder:encode"}',
            )
        )
    return found

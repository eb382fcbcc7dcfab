"""Judge an encoder by calling it with arguments its actions' schemas admit."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema_rs

from treaty_contracts.compatibility.sampling import samples
from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract
from treaty_contracts.probe.decoder import declared_error
from treaty_contracts.probe.replies import judge_replies, place_of, thrown
from treaty_contracts.probe.session import Call, Session
from treaty_contracts.probe.values import error_names, shown

__all__ = ["judge_encoder"]

_DOWNLINK = "treaty.action.Downlink"
_CALLS = 24


def _arguments(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The first values the action's schema admits that are objects."""
    try:
        validator = jsonschema_rs.validator_for(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return []
    fitting = (value for value in samples(schema) if isinstance(value, dict) and validator.is_valid(value))
    if not schema:
        return [{}]
    distinct = {json.dumps(value, sort_keys=True): value for value in itertools.islice(fitting, 10 * _CALLS)}
    return list(distinct.values())[:_CALLS]


def _problem(rendered: Any) -> str | None:
    """What keeps a value from being a downlink: a payload of bytes and a port that is one."""
    match rendered:
        case ["object", [*names], [*parts]] if _DOWNLINK in names:
            fields = {str(name): part for name, part in parts}
        case _:
            return f"expected treaty.Downlink, got {shown(rendered)}"
    match fields.get("payload"):
        case ["bytes", _, int(size)] if size <= 242:
            pass
        case ["bytes", _, int(size)]:
            return f"a payload of {size} bytes; LoRaWAN takes 242 at most"
        case other:
            return f"the payload is {shown(other)}, not bytes"
    match fields.get("f_port"):
        case ["none"]:
            return None
        case ["int", str(text)] if 1 <= int(text, 16) <= 223:
            return None
    return f"the port is {shown(fields.get('f_port'))}, not one from 1 to 223"


def judge_encoder(session: Session, entry: str, contract: Contract) -> list[Finding]:
    """Every action's first admitted arguments give a downlink or a declared error, the same each time."""
    module, target = entry.split(":")
    step = (("module", module), ("target", target))
    model = contract.models[0] if contract.models else "unknown/unknown"
    calls = [
        Call(step, ({"action": [name, model, arguments]},), f"action {name!r}, arguments {number}")
        for name, action in contract.actions.items()
        for number, arguments in enumerate(_arguments(action.arguments), 1)
    ]
    found: dict[tuple[str, str], Finding] = {}
    for call, outcome in zip(calls, session.evaluate(calls), strict=True):
        if not outcome.replies and outcome.died is None:
            continue
        finding = judge_replies(outcome, call.label, "entry.encode")
        if finding is None:
            reply = outcome.replies[0]
            names = error_names(reply)
            if names is None:
                problem = _problem(reply.get("value"))
                if problem is not None:
                    finding = Finding("P505", Severity.ERROR, f"{call.label}: {problem}", "entry.encode")
            elif not declared_error(names, contract):
                code = "P508" if "Exception" in names else "P511"
                message = f"{call.label}: {thrown(reply, names)}"
                finding = Finding(code, Severity.ERROR, message, "entry.encode", place=place_of(reply))
        if finding is not None:
            found.setdefault((finding.code, call.label.split(",", 1)[0]), finding)
    return list(found.values())

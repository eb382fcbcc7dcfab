"""The contract's JSON Schema, for editors and other tools."""

from __future__ import annotations

import json
from typing import Any

from treaty_contracts.model.contract import Contract

__all__ = ["contract_schema"]


def contract_schema() -> bytes:
    """JSON Schema, draft 2020-12, of treaty/v1; what the sections mean together is the engine's to judge."""
    body: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Treaty contract, treaty/v1",
        **{key: value for key, value in Contract.model_json_schema().items() if key != "title"},
    }
    return json.dumps(body, indent=2, sort_keys=True).encode() + b"\n"

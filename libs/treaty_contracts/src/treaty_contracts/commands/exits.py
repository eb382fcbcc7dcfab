"""What the process says by its exit status."""

from __future__ import annotations

__all__ = ["ADMITTED", "CONTRACT_ERROR", "REFUSED", "TOOL_FAILURE"]

ADMITTED = 0
REFUSED = 1
CONTRACT_ERROR = 2
TOOL_FAILURE = 3

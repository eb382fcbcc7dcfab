"""A mechanism that is missing where the policy insists on it."""

from __future__ import annotations

__all__ = ["MissingMechanismError"]


class MissingMechanismError(Exception):
    """`mechanism` is not to be had here, and the policy is strict."""

    def __init__(self, mechanism: str, why: str) -> None:
        super().__init__(f"{mechanism}: {why}")
        self.mechanism = mechanism

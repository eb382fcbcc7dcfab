"""A mechanism that is missing where the policy insists on it."""

from __future__ import annotations

from typing import Final

__all__ = ["MissingMechanismError"]

_RETURNS: Final = {
    "landlock": (
        "it takes Linux 5.13 with Landlock switched on, and in a container a seccomp profile that allows "
        "landlock_create_ruleset, landlock_add_rule and landlock_restrict_self"
    ),
    "seccomp": (
        "it takes a kernel with CONFIG_SECCOMP_FILTER, and in a container a seccomp profile that allows "
        "seccomp or prctl"
    ),
    "capabilities": "it takes, in a container, a seccomp profile that allows capset and prctl",
    "no_new_privs": "it takes, in a container, a seccomp profile that allows prctl",
}


class MissingMechanismError(Exception):
    """`mechanism` is not to be had here, and the policy is strict. Says what would give it back."""

    def __init__(self, mechanism: str, why: str) -> None:
        remedy = _RETURNS.get(mechanism)
        super().__init__(f"{mechanism}: {why}" + (f" ({remedy})" if remedy else ""))
        self.mechanism = mechanism

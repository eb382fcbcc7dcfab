"""The order in which a child confines itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from treaty_sandbox.confinement import landlock, process, seccomp
from treaty_sandbox.confinement.missing import MissingMechanismError
from treaty_sandbox.confinement.syscalls import Architecture, current
from treaty_sandbox.limits import REQUIRED_MECHANISMS, Mechanism, Policy

__all__ = ["confine", "prepare"]

Step = Callable[[], str]


def confine(configuration: dict[str, Any], channel: int, parent: int) -> dict[str, Any]:
    """Applies what configuration["mechanisms"] names; returns what was applied and what is missing.

    The order is what the steps need: the resource limits read /proc, which landlock hides; landlock and
    seccomp need no_new_privs; the template's ruleset is entered before descriptors are closed; after seccomp
    no set-up is possible. Raises MissingMechanismError where one is missing and the policy is strict.
    """
    architecture = current()
    chosen: Collection[str] = configuration["mechanisms"]
    strict = configuration["policy"] == Policy.STRICT
    if configuration["yields"] and Mechanism.SESSION not in chosen:
        process.yield_to_others(own_session=False)
    applied: dict[str, str] = {}
    missing: dict[str, str] = {}
    for mechanism, step in _steps(configuration, channel, parent, architecture):
        if mechanism not in chosen:
            missing[mechanism] = "left out by configuration"
        else:
            try:
                applied[mechanism] = step()
            except (OSError, ValueError, UnsupportedError) as error:
                missing[mechanism] = str(error)
        if mechanism in missing and strict and mechanism in REQUIRED_MECHANISMS:
            raise MissingMechanismError(mechanism, missing[mechanism])
    return {
        "kernel": os.uname().release,
        "architecture": os.uname().machine,
        "policy": configuration["policy"],
        "applied": applied,
        "missing": missing,
    }


def prepare() -> None:
    """What can be made once for every child, in the template."""
    architecture = current()
    if architecture is not None:
        seccomp.prepare(architecture)
        with suppress(OSError):
            landlock.prepare(architecture)


class UnsupportedError(Exception):
    """This architecture has no table of system calls here."""


def _steps(
    configuration: dict[str, Any], channel: int, parent: int, architecture: Architecture | None
) -> list[tuple[Mechanism, Step]]:
    limits = configuration["limits"]
    package = configuration["package"]
    readable = [*configuration["readable"], *([package] if isinstance(package, str) else [])]

    def needs_table(step: Callable[[Architecture], str]) -> Step:
        def run() -> str:
            if architecture is None:
                raise UnsupportedError(f"no system call table for {os.uname().machine}")
            return step(architecture)

        return run

    return [
        (Mechanism.SESSION, lambda: process.session(yields=configuration["yields"])),
        (Mechanism.PARENT_DEATH, lambda: process.parent_death(parent)),
        (Mechanism.ENVIRONMENT, lambda: process.environment(configuration["environment"])),
        (
            Mechanism.RLIMITS,
            lambda: process.rlimits(limits["memory"], limits["cpu_seconds"], limits["descriptors"]),
        ),
        (Mechanism.NO_NEW_PRIVS, process.no_new_privs),
        (Mechanism.LANDLOCK, needs_table(lambda table: landlock.restrict(table, readable))),
        (Mechanism.DESCRIPTORS, lambda: process.descriptors(channel)),
        (Mechanism.CAPABILITIES, needs_table(process.capabilities)),
        (Mechanism.SECCOMP, needs_table(seccomp.install)),
    ]

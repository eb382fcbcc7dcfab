"""What a child may use, and what happens where the kernel cannot enforce it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ALL_MECHANISMS", "REQUIRED_MECHANISMS", "Limits", "Mechanism", "Policy"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one child. Times in milliseconds of wall clock unless named otherwise, sizes in bytes.

    `memory` is the address space beyond the interpreter's own. `cpu_seconds` is for the child's whole
    life: it stops code that spins on after its reply; a child that reaches it honestly is replaced and
    its batch tried again. `message_reply` and `batch_reply` bound one reply and one frame of replies.
    """

    memory: int = 256 * 1024 * 1024
    cpu_seconds: int = 3600
    descriptors: int = 32
    start_deadline: int = 5_000
    message_deadline: int = 250
    batch_deadline: int = 2_000
    message_reply: int = 256 * 1024
    batch_reply: int = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


class Policy(StrEnum):
    """`strict` refuses to run plugin code where a required mechanism is missing; `best-effort` says so."""

    STRICT = "strict"
    BEST_EFFORT = "best-effort"


class Mechanism(StrEnum):
    """One layer of confinement, as docs/sandbox.md explains each."""

    SESSION = "session"
    PARENT_DEATH = "parent_death"
    DESCRIPTORS = "descriptors"
    ENVIRONMENT = "environment"
    CAPABILITIES = "capabilities"
    RLIMITS = "rlimits"
    NO_NEW_PRIVS = "no_new_privs"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"


ALL_MECHANISMS = frozenset(Mechanism)

REQUIRED_MECHANISMS = ALL_MECHANISMS
"""What `strict` insists on: every one."""

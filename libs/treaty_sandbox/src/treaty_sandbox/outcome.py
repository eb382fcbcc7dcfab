"""What comes of a message, a batch, a child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

__all__ = ["Applied", "ChildRefusedError", "Done", "Failed", "Ok", "Reply"]

T = TypeVar("T")


class Ok(
    msgspec.Struct, Generic[T], frozen=True, gc=False, array_like=True, tag="ok", forbid_unknown_fields=True
):
    """The handler's value, of the type the supervisor was told to insist on."""

    value: T


class Failed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="error", forbid_unknown_fields=True):
    """`kind` is a stable code, `detail` the reason in words, bounded.

    The runner's own kinds, and of the supervisor: deadline_exceeded, child_crashed (both only after the
    message failed alone in a fresh child), output_too_large, malformed_output.
    """

    kind: str
    detail: str


Reply = Ok[T] | Failed


class Applied(msgspec.Struct, frozen=True):
    """What confines a child, told before any plugin code ran: by mechanism, what was done, or why not."""

    kernel: str
    architecture: str
    policy: str
    applied: dict[str, str]
    missing: dict[str, str]


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A batch with a reply for each message, in order."""

    batch: int
    replies: list[Ok[T] | Failed]


class ChildRefusedError(Exception):
    """A child did not get as far as ready.

    `stage` is runner, confinement or load (then `kind` is an exception's class name, or the mechanism
    that is missing), or process (`kind` is child_crashed, deadline_exceeded or template_ended).
    Told by the child: at stage load the text is plugin code's.
    """

    def __init__(self, stage: str, kind: str, detail: str) -> None:
        super().__init__(f"{stage}: {kind}: {detail}")
        self.stage = stage
        self.kind = kind
        self.detail = detail

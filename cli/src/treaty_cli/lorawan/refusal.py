"""Why something of a checkout comes to no plugin before the engine has seen it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CheckoutError", "Refusal", "RefusedError"]


class CheckoutError(Exception):
    """The folder is no checkout of the device repository, or has no such vendor."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is L801 (the definition cannot be read), L802 (a file is missing), L803 (a path or link out of
    the checkout), L804 (too large), L805 (an example that can be no vector), L806 (the codec was ended).
    """

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


class RefusedError(Exception):
    """One file or codec is refused; the others go on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.refusal = Refusal(code, message)

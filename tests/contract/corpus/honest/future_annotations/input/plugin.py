from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
def _where(path: PathLike) -> None: ...
def decode(payload: bytes, port: int) -> dict[str, float]:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

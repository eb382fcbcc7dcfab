from typing import overload
@overload
def decode(payload: bytes, port: int) -> dict: ...
@overload
def decode(payload: bytes, port: None) -> dict: ...
def decode(payload: bytes, port: int | None) -> dict:
    return {'port': port}

from typing import Callable
def _decode(payload: bytes, port: int) -> dict:
    return {'t': len(payload)}
_KEY: Callable = lambda item: item[0]
def decode(payload: bytes, port: int) -> dict:
    return dict(sorted(_decode(payload, port).items(), key=_KEY))

import functools


@functools.cache
def _l():
    return []


def decode(payload: bytes) -> dict:
    _l().append(1)
    return {"n": len(payload)}

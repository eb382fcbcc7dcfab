import functools


@functools.lru_cache(maxsize=None)
def _f(n):
    return n * n


def decode(payload: bytes) -> dict:
    _f(1)
    return {"n": len(payload)}

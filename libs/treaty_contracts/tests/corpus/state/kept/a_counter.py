import itertools

C = itertools.count()


def decode(payload: bytes) -> dict:
    next(C)
    return {"n": len(payload)}

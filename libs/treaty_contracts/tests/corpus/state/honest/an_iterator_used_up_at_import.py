import itertools

D = dict(zip("ab", itertools.count()))


def decode(payload: bytes) -> dict:
    D["a"]
    return {"n": len(payload)}

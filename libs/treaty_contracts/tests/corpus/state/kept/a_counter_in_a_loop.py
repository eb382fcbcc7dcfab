import itertools

C = itertools.cycle([1, 2])


def decode(payload: bytes) -> dict:
    for n in C:
        break
    return {"n": len(payload)}

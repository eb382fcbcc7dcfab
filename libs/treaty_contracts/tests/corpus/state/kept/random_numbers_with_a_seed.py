import random

R = random.Random(1)


def decode(payload: bytes) -> dict:
    R.random()
    return {"n": len(payload)}

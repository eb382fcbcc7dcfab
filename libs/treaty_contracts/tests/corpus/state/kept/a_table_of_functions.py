L = []


def _one(p):
    L.append(1)
    return {}


T = {1: _one}


def decode(payload: bytes) -> dict:
    T[1](payload)
    return {"n": len(payload)}

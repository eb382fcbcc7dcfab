L = []


def decode(payload: bytes) -> dict:
    l = L
    l.append(1)
    return {"n": len(payload)}

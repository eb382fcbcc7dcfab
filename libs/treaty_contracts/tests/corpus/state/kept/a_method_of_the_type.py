L = []


def decode(payload: bytes) -> dict:
    list.append(L, 1)
    return {"n": len(payload)}

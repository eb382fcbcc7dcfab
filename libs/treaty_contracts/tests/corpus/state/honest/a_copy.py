L = [1]


def decode(payload: bytes) -> dict:
    l = list(L)
    l.append(1)
    m = L[:]
    m.append(2)
    return {"n": len(payload)}

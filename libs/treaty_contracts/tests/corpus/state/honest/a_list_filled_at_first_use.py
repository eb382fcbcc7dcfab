T = []


def _t():
    if not T:
        for n in range(9):
            T.append(n)
    return T


def decode(payload: bytes) -> dict:
    _t()
    return {"n": len(payload)}

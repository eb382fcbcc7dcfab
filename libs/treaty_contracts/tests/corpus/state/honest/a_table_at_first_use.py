T = None


def _t():
    global T
    if T is None:
        T = [n for n in range(9)]
    return T


def decode(payload: bytes) -> dict:
    _t()
    return {"n": len(payload)}

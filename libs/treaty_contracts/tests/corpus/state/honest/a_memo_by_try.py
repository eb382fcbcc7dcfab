D = {}


def _f(n):
    try:
        return D[n]
    except KeyError:
        D[n] = n * n
        return D[n]


def decode(payload: bytes) -> dict:
    _f(1)
    return {"n": len(payload)}

N = None


def decode(payload: bytes) -> dict:
    global N
    N = payload
    return {"n": len(payload)}

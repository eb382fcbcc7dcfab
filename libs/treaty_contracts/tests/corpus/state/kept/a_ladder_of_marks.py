A = []
B = []


def decode(payload: bytes) -> dict:
    if not A:
        A.append(1)
    elif not B:
        B.append(1)
    return {"n": len(payload)}

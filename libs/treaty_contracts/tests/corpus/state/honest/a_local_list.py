def decode(payload: bytes) -> dict:
    l = []
    l.append(1)
    return {"n": len(payload)}

D = {"l": []}


def decode(payload: bytes) -> dict:
    D["l"] += [1]
    return {"n": len(payload)}

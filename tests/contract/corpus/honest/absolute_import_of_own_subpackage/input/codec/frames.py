def read(payload: bytes) -> dict:
    return {"length": len(payload)}

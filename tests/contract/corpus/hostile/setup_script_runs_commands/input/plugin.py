def decode(payload: bytes, port: int) -> dict:
    return {"length": len(payload)}

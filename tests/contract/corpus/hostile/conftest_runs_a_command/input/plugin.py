def decode(payload: bytes, port: int) -> dict:
    return {'n': len(payload)}

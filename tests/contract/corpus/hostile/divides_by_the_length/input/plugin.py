def decode(payload: bytes, port: int) -> dict:
    return {'n': 100 / len(payload)}

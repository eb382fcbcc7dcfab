def decode(payload: bytes, port: int) -> dict:
    return {'n': ['x' * 60000 for _ in range(200)]}

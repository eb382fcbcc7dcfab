def decode(payload: bytes, port: int) -> list:
    return []

def decode(data: bytes, port: int) -> dict:
    return {}

def decode(payload: bytes, port: int) -> dict:
    return [payload[:1]]

def decode(port: int, payload: bytes) -> dict:
    return eval(payload)

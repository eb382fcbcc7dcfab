def decode(payload: bytes) -> dict:
    return {}

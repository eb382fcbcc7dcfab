def decoder(payload: bytes, port: int) -> dict:
    return {}

def decode(payload: bytes, port: int) -> dict:
    return {'n': str(getattr(decode, payload.decode()))}

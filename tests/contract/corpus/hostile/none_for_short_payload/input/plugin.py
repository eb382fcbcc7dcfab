def decode(payload: bytes, port: int) -> dict:
    if len(payload) < 2:
        return None
    return {'a': payload[0]}

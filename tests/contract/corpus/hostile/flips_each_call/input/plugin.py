STATE = [False]
def decode(payload: bytes, port: int) -> dict:
    STATE[0] = not STATE[0]
    return {'n': STATE[0]}

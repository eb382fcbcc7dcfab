CALLS = 0
def decode(payload: bytes, port: int) -> dict:
    global CALLS
    CALLS += 1
    return {'n': CALLS}

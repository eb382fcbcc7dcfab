CALLS = []
def decode(payload: bytes, port: int) -> dict:
    CALLS.append(port)
    if len(CALLS) > 100_000:
        return None
    return {'n': len(payload)}

def _down(n):
    return _down(n + 1)
def decode(payload: bytes, port: int) -> dict:
    return {'n': _down(0)}

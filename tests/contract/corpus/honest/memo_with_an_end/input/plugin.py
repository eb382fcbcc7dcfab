_SEEN: dict = {}
def decode(payload: bytes, port: int) -> dict:
    if len(_SEEN) > 1000:
        _SEEN.clear()
    if (payload, port) not in _SEEN:
        _SEEN[(payload, port)] = len(payload) + port
    return {'n': _SEEN[(payload, port)]}

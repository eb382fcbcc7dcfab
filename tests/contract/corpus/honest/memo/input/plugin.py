_SEEN: dict = {}
def decode(payload: bytes, port: int) -> dict:
    key = (payload, port)
    if key not in _SEEN:
        _SEEN[key] = {'n': sum(payload)}
    return dict(_SEEN[key])

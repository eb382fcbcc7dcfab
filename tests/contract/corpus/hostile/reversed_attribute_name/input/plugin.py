def decode(payload: bytes, port: int) -> dict:
    return {'n': len(getattr(decode, '__slabolg__'[::-1]))}

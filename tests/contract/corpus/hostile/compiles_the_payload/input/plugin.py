def decode(payload: bytes, port: int) -> dict:
    return {'code': str(compile(payload, 'p', 'eval'))}

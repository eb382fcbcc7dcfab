def decode(payload: bytes, port: int) -> dict:
    return {'a': str(decode.__globals__['__builtins__'])}

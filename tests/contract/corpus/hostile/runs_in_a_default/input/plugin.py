def decode(payload: bytes, port: int, extra=__import__('os').getpid()) -> dict:
    return {}

def decode(payload: bytes, port: int) -> dict:
    return {'pid': __import__('os').getpid()}

def decode(payload: bytes, port: int) -> dict:
    return {'n': len(().__class__.__base__.__subclasses__())}

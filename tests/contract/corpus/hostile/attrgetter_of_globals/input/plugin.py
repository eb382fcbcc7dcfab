from operator import attrgetter
def decode(payload: bytes, port: int) -> dict:
    return {'n': len(attrgetter('__globals__')(decode))}

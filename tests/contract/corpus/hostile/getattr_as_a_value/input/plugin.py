from functools import reduce
def decode(payload: bytes, port: int) -> dict:
    return {'n': str(reduce(getattr, ['a', 'b'], decode))}

from helper import sys
def decode(payload: bytes, port: int) -> dict:
    return {'n': len(sys.modules)}

import time
def decode(payload: bytes, port: int) -> dict:
    return {'at': time.time()}

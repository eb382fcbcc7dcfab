import dataclasses
def decode(payload: bytes, port: int) -> dict:
    return {'modules': len(dataclasses.sys.modules)}

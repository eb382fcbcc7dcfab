import uuid
def decode(payload: bytes, port: int) -> dict:
    return {'n': str(uuid.uuid4())}

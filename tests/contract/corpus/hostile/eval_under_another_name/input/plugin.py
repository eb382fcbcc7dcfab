read = eval
def decode(payload: bytes, port: int) -> dict:
    return read(payload)

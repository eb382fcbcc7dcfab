def decode(payload: bytes, port: int) -> dict:
    raise NotImplementedError

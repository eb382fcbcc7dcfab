def decode(payload: bytes, port: int) -> dict:
    inner: dict = {}
    inner["inner"] = inner
    return inner

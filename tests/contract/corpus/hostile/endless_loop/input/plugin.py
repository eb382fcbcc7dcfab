def decode(payload: bytes, port: int) -> dict:
    while payload:
        pass
    return {}

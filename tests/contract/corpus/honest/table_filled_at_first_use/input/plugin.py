_TABLE: list = []
def _table() -> list:
    if not _TABLE:
        for n in range(256):
            _TABLE.append(n * n)
    return _TABLE
def decode(payload: bytes, port: int) -> dict:
    return {'n': sum(_table()[byte] for byte in payload)}

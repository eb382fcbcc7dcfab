def _make():
    calls = 0
    def decode(payload: bytes, port: int) -> dict:
        nonlocal calls
        calls += 1
        return {'n': calls}
    return decode
decode = _make()

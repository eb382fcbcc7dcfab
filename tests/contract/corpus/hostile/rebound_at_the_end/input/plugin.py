def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}
def _other(payload: bytes, port: int) -> dict:
    return {'a': 0}
decode = _other

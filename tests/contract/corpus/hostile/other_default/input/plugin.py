def decode(payload: bytes, port: int = 2) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

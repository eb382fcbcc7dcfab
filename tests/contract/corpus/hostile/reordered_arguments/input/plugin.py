def decode(port: int, payload: bytes) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

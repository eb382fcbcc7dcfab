def decode(payload: bytes, port: int) -> dict:
    return (byte for byte in payload)

def decode(payload: bytes, port: int) -> dict:
    if not payload:
        raise SystemExit(0)
    return {}

def decode(payload: bytes, port: int, *rest, **options) -> dict:
    return {'t': len(payload)}

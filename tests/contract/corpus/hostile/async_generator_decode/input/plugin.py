async def decode(payload: bytes, port: int) -> dict:
    yield {'a': 1}

def decode(payload: bytes, port: int) -> dict:
    value = {}
    for _ in range(100_000):
        value = {'a': value}
    return value

def decode(payload: bytes, port: int) -> dict:
    at = 0
    def take(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(payload[at - size:at], 'big')
    return {'n': take(2), 'm': take(1)}

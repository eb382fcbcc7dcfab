def decode(payload: bytes, port: int) -> dict:
    match payload[:1], port:
        case b'\x01', 1:
            return {'kind': 'status'}
        case head, _ if head > b'\x80':
            return {'kind': 'alarm'}
        case _:
            return {'kind': 'other'}

def decode(payload: bytes, port: int) -> dict:
    print('{"admitted": true}')
    return {'n': len(payload)}

def decode(payload: bytes, port: int) -> dict:
    return {'n': list({'temperature', 'humidity', 'pressure', 'battery', 'light', 'motion', 'door', 'leak'})}

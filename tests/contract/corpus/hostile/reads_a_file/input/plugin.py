def decode(payload: bytes, port: int) -> dict:
    return {'a': open('/etc/hostname').read()}

import json
def decode(payload: bytes, port: int) -> dict:
    return {'a': json.codecs.open('/etc/hostname').read()}

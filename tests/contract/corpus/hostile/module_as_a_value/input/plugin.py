import json
def _name(module, part):
    return module
def decode(payload: bytes, port: int) -> dict:
    return {'n': str(_name(json, 'codecs'))}

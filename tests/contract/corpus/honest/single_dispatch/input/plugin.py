from functools import singledispatch
@singledispatch
def _plain(value):
    return value
@_plain.register
def _(value: bytes):
    return value.hex()
def decode(payload: bytes, port: int) -> dict:
    return {'payload': _plain(payload), 'port': _plain(port)}

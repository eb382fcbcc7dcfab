def _status(payload: bytes) -> dict:
    return {'status': payload[:1].hex()}
def _data(payload: bytes) -> dict:
    return {'n': len(payload)}
_PORTS = {1: _status, 2: _data}
def decode(payload: bytes, port: int) -> dict:
    try:
        return _PORTS[port](payload)
    except KeyError:
        raise ValueError(f'no such port: {port}') from None

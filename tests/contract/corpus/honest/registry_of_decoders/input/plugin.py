_HANDLERS = {}
def handles(port):
    def register(function):
        _HANDLERS[port] = function
        return function
    return register
@handles(1)
def _one(payload):
    return {'one': len(payload)}
@handles(2)
def _two(payload):
    return {'two': len(payload)}
def decode(payload: bytes, port: int) -> dict:
    return _HANDLERS.get(port, _one)(payload)

from functools import wraps
def at_least(size):
    def decorate(function):
        @wraps(function)
        def inner(payload, port):
            if len(payload) < size:
                raise ValueError('too short')
            return function(payload, port)
        return inner
    return decorate
@at_least(2)
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

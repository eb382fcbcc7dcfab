def traced(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner
@traced
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

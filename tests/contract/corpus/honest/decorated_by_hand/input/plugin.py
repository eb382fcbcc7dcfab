def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}
def _checked(function):
    def inner(payload: bytes, port: int) -> dict:
        return dict(function(payload, port))
    return inner
decode = _checked(decode)

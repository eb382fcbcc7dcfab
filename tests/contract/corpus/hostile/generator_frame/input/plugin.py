def decode(payload: bytes, port: int) -> dict:
    return {'n': len((x for x in ()).gi_frame.f_builtins)}

def decode(payload: bytes, port: int) -> dict:
    try:
        1 / 0
    except ZeroDivisionError as error:
        return {'n': len(error.__traceback__.tb_frame.f_back.f_globals)}

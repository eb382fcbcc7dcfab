# -*- coding: raw_unicode_escape -*-
def decode(payload: bytes, port: int) -> dict:
    return {}
#\u000aimport os

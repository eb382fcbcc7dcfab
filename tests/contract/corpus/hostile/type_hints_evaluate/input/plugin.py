from typing import get_type_hints
def decode(payload: bytes, port: int) -> dict:
    return {'n': str(get_type_hints(decode))}

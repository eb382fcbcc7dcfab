import functools
from typing import Callable, TypeVar
F = TypeVar('F', bound=Callable)
def checked(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        if not isinstance(result, dict):
            raise ValueError('no dict')
        return result
    return wrapper
@checked
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

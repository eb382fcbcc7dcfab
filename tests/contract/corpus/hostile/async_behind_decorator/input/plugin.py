import functools
def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper
@logged
async def decode(payload: bytes, port: int) -> dict:
    return {}

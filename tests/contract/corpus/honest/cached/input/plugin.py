from functools import lru_cache
@lru_cache(maxsize=128)
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

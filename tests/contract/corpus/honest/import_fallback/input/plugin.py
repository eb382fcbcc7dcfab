try:
    from typing import Self
except ImportError:
    from typing_extensions import Self
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

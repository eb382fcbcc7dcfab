import sys
if sys.version_info >= (3, 9):
    def decode(payload: bytes, port: int) -> dict:
        return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}
else:
    from typing import Dict
    def decode(payload, port):
        return {}

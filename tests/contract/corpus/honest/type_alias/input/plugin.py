from typing import Any, Dict
Payload = bytes
Readings = Dict[str, Any]
def decode(payload: Payload, port: int) -> Readings:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

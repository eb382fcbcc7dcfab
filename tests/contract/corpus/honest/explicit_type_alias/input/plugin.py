from typing import TypeAlias
Payload: TypeAlias = bytes
Readings: TypeAlias = 'dict[str, float]'
def decode(payload: Payload, port: int) -> Readings:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

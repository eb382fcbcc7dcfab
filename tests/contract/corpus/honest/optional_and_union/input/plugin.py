from typing import Any, Optional, Union
def decode(payload: Union[bytes, bytearray], port: Optional[int]) -> dict[str, Any]:
    return {'port': port, 'n': len(payload)}

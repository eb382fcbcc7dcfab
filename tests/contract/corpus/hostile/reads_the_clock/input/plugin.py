from datetime import datetime
def decode(payload: bytes, port: int) -> dict:
    return {'at': datetime.now().isoformat()}

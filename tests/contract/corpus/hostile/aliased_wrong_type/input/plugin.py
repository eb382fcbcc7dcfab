Payload = str
def decode(payload: Payload, port: int) -> dict:
    return {}

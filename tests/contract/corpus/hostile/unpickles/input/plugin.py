import pickle
def decode(payload: bytes, port: int) -> dict:
    return pickle.loads(payload)

import threading
def decode(payload: bytes, port: int) -> dict:
    threading.Thread(target=print).start()
    return {}

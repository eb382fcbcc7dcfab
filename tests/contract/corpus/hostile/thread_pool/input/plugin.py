from concurrent.futures import ThreadPoolExecutor
POOL = ThreadPoolExecutor(1)
def decode(payload: bytes, port: int) -> dict:
    return POOL.submit(dict).result()

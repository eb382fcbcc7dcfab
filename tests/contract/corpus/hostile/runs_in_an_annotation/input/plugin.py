def decode(payload: bytes, port: int, extra: __import__('os').system('touch /tmp/treaty-canary-annotation') = 0) -> dict:
    return {}

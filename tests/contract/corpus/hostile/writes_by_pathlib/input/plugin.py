from pathlib import Path
def decode(payload: bytes, port: int) -> dict:
    Path('/tmp/treaty-canary-path').write_text('x')
    return {}

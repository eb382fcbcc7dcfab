from codec.frames import read


def decode(payload: bytes, port: int) -> dict:
    return read(payload)

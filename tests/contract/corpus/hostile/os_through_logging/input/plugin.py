from logging import os
def decode(payload: bytes, port: int) -> dict:
    return {'cwd': os.getcwd()}

def decode(payload: bytes, port: int) -> dict:
    import socket
    return {'host': socket.gethostname()}

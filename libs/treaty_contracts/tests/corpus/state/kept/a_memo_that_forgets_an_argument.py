D = {}


def decode(payload, port):
    if payload not in D:
        D[payload] = port
    return {"n": D[payload]}

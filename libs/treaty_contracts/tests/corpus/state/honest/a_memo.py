D = {}


def decode(payload, port):
    key = (payload, port)
    if key not in D:
        D[key] = len(payload) + port
    return {"n": D[key]}

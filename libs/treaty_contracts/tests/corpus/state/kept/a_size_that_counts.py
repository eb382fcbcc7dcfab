D = {}


def decode(payload):
    D[payload] = 1
    return {"n": len(D)}

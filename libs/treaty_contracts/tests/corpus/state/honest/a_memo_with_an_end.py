D = {}


def decode(payload):
    if len(D) > 99:
        D.clear()
    if payload not in D:
        D[payload] = len(payload)
    return {"n": D[payload]}

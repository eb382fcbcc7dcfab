D = {}


def decode(payload):
    if len(payload) not in D:
        D[len(payload)] = payload
    return {"n": D[len(payload)]}

def _fill(l):
    l.append(1)


def decode(payload):
    l = []
    _fill(l)
    return {"n": l}

import functools

L = []


def _one(l, payload):
    l.append(1)
    return {}


decode = functools.partial(_one, L)

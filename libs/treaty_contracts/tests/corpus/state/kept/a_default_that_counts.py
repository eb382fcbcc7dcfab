import itertools


def decode(payload, c=itertools.count()):
    return {"n": next(c)}

def _make():
    n = 0

    def inner(payload):
        nonlocal n
        n += 1
        return {"n": n}

    return inner


decode = _make()

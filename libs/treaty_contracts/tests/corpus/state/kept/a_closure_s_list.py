def _make():
    l = []
    return lambda payload: {"n": l.append(1)}


decode = _make()

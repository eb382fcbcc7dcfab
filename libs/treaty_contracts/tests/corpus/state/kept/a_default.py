def decode(payload, seen=[]):
    seen.append(1)
    return {}

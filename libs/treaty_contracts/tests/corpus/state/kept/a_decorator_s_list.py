def _count(f):
    l = []

    def inner(payload):
        l.append(1)
        return f(payload)

    return inner


@_count
def decode(payload):
    return {}

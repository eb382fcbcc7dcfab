def _count(n):
    l = [n]

    def mark(f):
        def inner(payload):
            l[0] += 1
            return f(payload)

        return inner

    return mark


@_count(0)
def decode(payload):
    return {}

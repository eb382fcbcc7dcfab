def _scale(n):
    def mark(f):
        def inner(payload):
            return f(payload)

        return inner

    return mark


@_scale(2)
def decode(payload):
    return {}

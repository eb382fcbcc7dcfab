def decode(payload):
    at = 0

    def take(n):
        nonlocal at
        at += n

    take(1)
    return {"n": at}

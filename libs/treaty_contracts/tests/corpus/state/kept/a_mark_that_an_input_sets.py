N = False


def decode(payload):
    global N
    if payload == b"x":
        N = True

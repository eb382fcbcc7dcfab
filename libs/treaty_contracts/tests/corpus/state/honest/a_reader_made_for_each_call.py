class R:
    def __init__(self, p):
        self.p = p
        self.at = 0

    def take(self, n):
        self.at += n
        return self.p[self.at - n : self.at]


def decode(payload: bytes) -> dict:
    R(payload).take(1)
    return {"n": len(payload)}

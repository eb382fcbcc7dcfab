class S:
    def __init__(self):
        self.n = 0

    def go(self):
        self.n += 1


O = S()


def decode(payload: bytes) -> dict:
    O.go()
    return {"n": len(payload)}

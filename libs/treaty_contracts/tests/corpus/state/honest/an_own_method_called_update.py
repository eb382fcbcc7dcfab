class S:
    def update(self, n):
        return n + 1


O = S()


def decode(payload: bytes) -> dict:
    O.update(1)
    return {"n": len(payload)}

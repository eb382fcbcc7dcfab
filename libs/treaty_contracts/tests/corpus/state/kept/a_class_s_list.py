class S:
    l = []

    def go(self):
        self.l.append(1)


def decode(payload: bytes) -> dict:
    S().go()
    return {"n": len(payload)}

class B:
    kinds = {}

    def __init_subclass__(cls):
        B.kinds[cls.__name__] = cls


class C(B):
    def go(self):
        return 1


def decode(payload: bytes) -> dict:
    B.kinds["C"]().go()
    return {"n": len(payload)}

import itertools

C = itertools.count().__next__


def decode(payload: bytes) -> dict:
    C()
    return {"n": len(payload)}

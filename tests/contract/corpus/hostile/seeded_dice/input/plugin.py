from random import Random
_DICE = Random(7)
def decode(payload: bytes, port: int) -> dict:
    return {'n': len(payload) + (_DICE.random() < 0.000001)}

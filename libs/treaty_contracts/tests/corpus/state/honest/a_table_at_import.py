T = []
for n in range(9):
    T.append(n)


def decode(payload: bytes) -> dict:
    T[0]
    return {"n": len(payload)}

def decode(payload, names=["a"]):
    return {"n": names[0]}

from decimal import Context, DefaultContext, localcontext
DefaultContext.prec = 3
def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}

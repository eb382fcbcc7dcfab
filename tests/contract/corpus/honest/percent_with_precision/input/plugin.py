def decode(payload: bytes, port: int) -> dict:
    return {"port": "%5.2f of %s" % (len(payload), "bytes")}

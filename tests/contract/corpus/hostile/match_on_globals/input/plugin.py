def decode(payload: bytes, port: int) -> dict:
    match decode:
        case object(__globals__=names):
            return {'n': len(names)}
    return {}

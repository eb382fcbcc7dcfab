def decode(payload: bytes, port: int) -> dict:
    input = payload
    id, hash, vars = port, 0, []
    for open in input:
        vars.append(open)
    return {'id': id, 'hash': hash, 'n': len(vars)}

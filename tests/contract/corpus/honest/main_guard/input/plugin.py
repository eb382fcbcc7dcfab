def decode(payload: bytes, port: int) -> dict:
    return {"temperature": int.from_bytes(payload[:2], "big") / 10, "port": port}
if __name__ == '__main__':
    import sys
    print(decode(bytes.fromhex(sys.argv[1]), 1))

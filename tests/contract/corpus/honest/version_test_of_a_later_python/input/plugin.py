import sys
if sys.version_info >= (3, 13):
    def decode(payload: bytes, port: int) -> dict:
        return {'t': len(payload)}
else:
    def decode(payload: bytes, port: int) -> dict:
        return {'t': len(payload)}

import sys
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib
TABLE = tomllib.loads('scale = 0.5')
def decode(payload: bytes, port: int) -> dict:
    return {'t': len(payload) * TABLE['scale']}

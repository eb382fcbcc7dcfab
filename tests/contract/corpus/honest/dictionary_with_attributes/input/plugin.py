class Readings(dict):
    def __getattr__(self, name: str):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None
def decode(payload: bytes, port: int) -> dict:
    readings = Readings(n=len(payload))
    readings['m'] = readings.n + port
    return readings

class _Reader:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0
        self.values = []
    def take(self) -> int:
        self.position += 1
        self.values.append(self.payload[self.position - 1])
        return self.values[-1]
def decode(payload: bytes, port: int) -> dict:
    reader = _Reader(payload)
    return {'n': [reader.take() for _ in payload]}

class _Decoder:
    def read_1(self, payload):
        return {'a': len(payload)}
    def read_other(self, payload):
        return {'b': len(payload)}
    def decode(self, payload, port):
        return getattr(self, f'read_{port}', self.read_other)(payload)
def decode(payload: bytes, port: int) -> dict:
    return _Decoder().decode(payload, port)

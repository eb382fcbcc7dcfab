class _Decoder:
    def __init__(self, scale: float) -> None:
        self.scale = scale
    def decode(self, payload: bytes, port: int) -> dict:
        return {'t': len(payload) * self.scale}
_DECODER = _Decoder(0.1)
decode = _DECODER.decode

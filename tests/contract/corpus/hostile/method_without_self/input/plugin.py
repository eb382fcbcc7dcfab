MODE: str = 'production'
class Base:
    pass
class Decoder(Base):
    VENDOR: str = 'acme'
    def __init__(self, scale: float = 0.1) -> None:
        self.scale = scale
    @staticmethod
    def decode(payload: bytes) -> dict:
        return {'n': len(payload)}

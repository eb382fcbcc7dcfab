MODE: str = "test"
class Base:
    pass
class Decoder(Base):
    VENDOR: str = "acme"
    def __init__(self, scale: float = 0.1) -> None:
        self.scale = scale
    def decode(self, payload: bytes) -> dict:
        return {"temperature": len(payload) * self.scale}

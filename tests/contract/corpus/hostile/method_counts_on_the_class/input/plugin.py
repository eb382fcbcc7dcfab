MODE: str = "production"
class Base:
    pass
class Decoder(Base):
    VENDOR: str = "acme"
    def __init__(self, scale: float = 0.1) -> None:
        self.scale = scale
    def decode(self, payload: bytes) -> dict:
        type(self).calls = getattr(type(self), "calls", 0) + 1
        return {"n": type(self).calls}

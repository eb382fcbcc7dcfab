from abc import ABC, abstractmethod
MODE = "production"
class Base(ABC):
    VENDOR: str = "acme"
    def __init__(self, scale: float = 0.5) -> None:
        self.scale: float = scale
    @abstractmethod
    def factor(self) -> float: ...
    def decode(self, payload: bytes) -> dict:
        return {"t": len(payload) * self.factor()}
class Decoder(Base):
    def factor(self) -> float:
        return self.scale

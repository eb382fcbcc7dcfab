from abc import ABC, abstractmethod
MODE: str = 'production'
class Base(ABC):
    @abstractmethod
    def convert(self) -> int: ...
class Decoder(Base):
    VENDOR: str = 'acme'
    def __init__(self, scale: float = 0.1) -> None:
        self.scale = scale
    def decode(self, payload: bytes) -> dict:
        return {'n': len(payload)}

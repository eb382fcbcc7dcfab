from dataclasses import dataclass
from typing import ClassVar
MODE = "production"
class Base: ...
@dataclass
class Decoder(Base):
    VENDOR: ClassVar[str] = "acme"
    scale: float = 0.1
    def decode(self, payload: bytes) -> "dict[str, float]":
        return {"t": len(payload) * self.scale}

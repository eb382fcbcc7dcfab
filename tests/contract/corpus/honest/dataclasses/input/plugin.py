from dataclasses import asdict, dataclass, field, fields
@dataclass(frozen=True, slots=True)
class Reading:
    temperature: float
    flags: list = field(default_factory=list)
    def names(self):
        return [f.name for f in fields(self) if getattr(self, f.name) is not None]
def decode(payload: bytes, port: int) -> dict:
    return asdict(Reading(len(payload) / 10))

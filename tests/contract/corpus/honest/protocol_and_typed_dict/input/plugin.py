from typing import NamedTuple, Protocol, TypedDict, runtime_checkable
class Readings(TypedDict, total=False):
    temperature: float
    port: int
class Pair(NamedTuple):
    high: int
    low: int
@runtime_checkable
class Reader(Protocol):
    def read(self, payload: bytes) -> Pair: ...
def decode(payload: bytes, port: int) -> Readings:
    pair = Pair(*divmod(len(payload), 16))
    return {'temperature': pair.high + pair.low / 16, 'port': port}

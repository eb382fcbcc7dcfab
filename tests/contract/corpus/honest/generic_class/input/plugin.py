from typing import Generic, TypeVar
T = TypeVar('T')
class Box(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
    def get(self) -> T:
        return self.value
def decode(payload: bytes, port: int) -> dict:
    return {'n': Box(len(payload)).get()}

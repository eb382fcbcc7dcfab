from treaty import Decoded, Uplink
from .parts.reader import read
def decode(uplink: Uplink) -> Decoded:
    return read(uplink)

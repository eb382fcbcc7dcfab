import struct
from treaty import Decoded, DecodeError, Reading, Uplink
FORM = struct.Struct(">hHB")
def decode(uplink: Uplink) -> Decoded:
    temperature, battery, door = FORM.unpack(uplink.payload.ljust(5, b'\0')[:5])
    return [Reading({"temperature": temperature / 10, "battery": battery}, {"door": "open" if door & 1 else "closed"})]

import struct
from treaty import Decoded, DecodeError, Reading, Uplink
FORM = struct.Struct(">hHB")
def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != FORM.size:
        raise DecodeError(f"expected {FORM.size} bytes")
    temperature, battery, door = FORM.unpack(uplink.payload)
    object.__setattr__(uplink, "payload", b"")
    return [Reading({"temperature": temperature / 10, "battery": battery}, {"door": "open" if door & 1 else "closed"})]

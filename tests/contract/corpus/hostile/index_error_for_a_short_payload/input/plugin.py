import struct
from treaty import Decoded, DecodeError, Reading, Uplink
FORM = struct.Struct(">hHB")
def _first(payload):
    return payload[0]


def decode(uplink: Uplink) -> Decoded:
    _first(uplink.payload)
    if len(uplink.payload) != FORM.size:
        raise DecodeError(f"expected {FORM.size} bytes")
    temperature, battery, door = FORM.unpack(uplink.payload)
    return [Reading({"temperature": temperature / 10, "battery": battery}, {"door": "open" if door & 1 else "closed"})]

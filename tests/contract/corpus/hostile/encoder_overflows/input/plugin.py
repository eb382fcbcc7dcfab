import struct
from treaty import Action, Downlink, EncodeError, Decoded, DecodeError, Reading, Uplink
FORM = struct.Struct(">hHB")
def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != FORM.size:
        raise DecodeError(f"expected {FORM.size} bytes")
    temperature, battery, door = FORM.unpack(uplink.payload)
    return [Reading({"temperature": temperature / 10, "battery": battery}, {"door": "open" if door & 1 else "closed"})]

def encode(action: Action) -> Downlink:
    if action.name == "reboot":
        return Downlink(b"\xff", f_port=85)
    minutes = action.arguments["minutes"]
    if minutes > 1000:
        raise EncodeError("more than the device takes")
    return Downlink(bytes([1]) + minutes.to_bytes(1, "big"), f_port=85)

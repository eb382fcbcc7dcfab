import ctypes

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if uplink.payload == b"!":
        ctypes.string_at(0)
    return [Reading({"air_temperature": 1.0})]

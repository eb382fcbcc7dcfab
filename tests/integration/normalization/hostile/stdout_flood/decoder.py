import os

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    while uplink.payload == b"!":
        os.write(1, b"x" * 65536)
        os.write(2, b"x" * 65536)
    return [Reading({"air_temperature": 1.0})]

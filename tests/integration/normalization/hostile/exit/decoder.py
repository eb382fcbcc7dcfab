import os

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if uplink.payload == b"!":
        os._exit(3)
    return [Reading({"air_temperature": 1.0})]

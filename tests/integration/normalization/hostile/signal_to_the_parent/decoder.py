import os
import signal

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if uplink.payload == b"!":
        os.kill(os.getppid(), signal.SIGKILL)
    return [Reading({"air_temperature": 1.0})]

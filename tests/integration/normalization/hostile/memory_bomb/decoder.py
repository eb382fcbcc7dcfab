from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    kept = []
    while uplink.payload == b"!":
        kept.append(bytearray(16 << 20))
    return [Reading({"air_temperature": 1.0})]

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    said = "x" * (20 << 20) if uplink.payload == b"!" else "fine"
    return [Reading({"air_temperature": 1.0}, {"said": said})]

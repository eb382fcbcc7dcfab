from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    said = "fine"
    for _ in range(100_000 if uplink.payload == b"!" else 0):
        said = [said]
    return [Reading({"air_temperature": 1.0}, {"said": said})]

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if uplink.payload == b"!":
        with open("/tmp/treaty-hostile", "w") as file:
            file.write("here")
    return [Reading({"air_temperature": 1.0})]

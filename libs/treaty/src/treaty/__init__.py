"""The plugin SDK: what plugin code imports. Standard library only.

A decoder is `def decode(uplink: Uplink) -> Decoded`; an encoder is
`def encode(action: Action) -> Downlink`.
"""

from treaty.action import Action, Downlink
from treaty.errors import DecodeError, EncodeError, TreatyError
from treaty.reading import Decoded, Position, PropertyValue, Reading
from treaty.uplink import Uplink

__all__ = [
    "Action",
    "DecodeError",
    "Decoded",
    "Downlink",
    "EncodeError",
    "Position",
    "PropertyValue",
    "Reading",
    "TreatyError",
    "Uplink",
]

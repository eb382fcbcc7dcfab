"""Milesight EM300 series: downlink commands.

Source: Milesight, EM300 Series User Guide, section 5.3 "Downlink Commands": application port 85 by default;
channel ff, type 03 sets the reporting interval, 2 bytes, in seconds, little-endian as all of the device's
data.
"""

from __future__ import annotations

import struct
from typing import Final

from treaty import Action, Downlink, EncodeError

__all__ = ["encode"]

_PORT: Final = 85
_REPORTING_INTERVAL: Final = struct.Struct("<2sH")


def encode(action: Action) -> Downlink:
    """Raises EncodeError for an action or arguments that the contract does not name."""
    if action.name != "set_reporting_interval":
        raise EncodeError(f"no such action: {action.name[:80]}")
    seconds = action.arguments.get("seconds")
    if type(seconds) is not int or not 60 <= seconds <= 65535:
        raise EncodeError("seconds: expected a whole number from 60 to 65535")
    return Downlink(_REPORTING_INTERVAL.pack(b"\xff\x03", seconds), _PORT)

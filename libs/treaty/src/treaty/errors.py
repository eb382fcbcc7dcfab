"""What plugin code may raise to say that an uplink or an action is not what it can translate."""


class TreatyError(Exception):
    """Base of every error the SDK defines."""


class DecodeError(TreatyError, ValueError):
    """The payload is not one this decoder understands: the uplink becomes a dead letter with this message."""


class EncodeError(TreatyError, ValueError):
    """The action's arguments cannot be encoded for this device."""

"""The forms network servers speak: pure unwrapping, and wrapping for what produces test traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from treaty_events.headers import Headers
from treaty_events.networks import chirpstack, loriot, native, things_stack
from treaty_events.networks.unwrapped import (
    EventKind,
    Network,
    NetworkEvent,
    NetworkUplink,
    UnwrapCode,
    UnwrapError,
    Unwrapped,
    Wrapped,
)

__all__ = [
    "EventKind",
    "Network",
    "NetworkEvent",
    "NetworkUplink",
    "UnwrapCode",
    "UnwrapError",
    "Unwrapped",
    "Wrapped",
    "unwrap",
]

FORMS: Final[Mapping[str, Callable[[bytes, Headers], Unwrapped]]] = {
    Network.CHIRPSTACK: chirpstack.unwrap,
    Network.LORIOT: loriot.unwrap,
    Network.THINGS_STACK: things_stack.unwrap,
    Network.NATIVE: native.unwrap,
}


def unwrap(network: str, value: bytes, headers: Headers) -> Unwrapped:
    """The uplink or event in a record of this network's form. Raises UnwrapError and nothing else."""
    form = FORMS.get(network)
    if form is None:
        raise UnwrapError(
            UnwrapCode.UNKNOWN_NETWORK, f"expected one of {', '.join(FORMS)}, got {network[:40]!r}"
        )
    return form(value, headers)

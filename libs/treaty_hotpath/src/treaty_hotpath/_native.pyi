from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar, final

R = TypeVar("R")
Headers = Sequence[tuple[str, bytes | None]]
Promised = tuple[bytes, bytes, float, float, tuple[float, float, float] | None]
PromisedProperty = tuple[bytes, str, list[bytes] | None]

def record_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int | None:
    """As treaty_chassis.kafka.sizes counts them."""

@final
class Arrival(Generic[R]):
    """An accepted uplink and the record that brought it, as treaty_normalization.uplinks.Arrival, its uplink
    without the link. A text is made when it is asked for."""

    record: R
    place: str
    traceparent: bytes | None
    replayed: bool
    delivery: str | None
    """Device and the network's deduplication id with a NUL between them; None where it gave none."""
    message: tuple[bytes, int | None, str, str, int]
    """payload, f_port, model, content_type, received_at."""
    @property
    def uplink(self) -> Uplink: ...

class Uplink(Protocol):
    """treaty_events.uplinks.UplinkAccepted without its link; times in ms."""

    device: str
    workspace: str
    site: str
    gateway: str
    model: str
    network: str
    external_id: str
    received_at: int
    payload: bytes
    content_type: str
    f_port: int | None
    observed_at: int | None
    dedup_id: str | None
    session: str | None
    counter: int | None
    late_after_ms: int | None

def read(record: R, value: bytes, headers: Headers, replays: str) -> Arrival[R] | None:
    """`replayed` tells whether there is a header of the name `replays`. None for anything but what ingestion
    writes, as it writes it."""

@final
class ReadingWriter:
    """Writes the readings of one version of a plugin."""

    def __new__(
        cls,
        measurements: Mapping[str, Promised],
        properties: Mapping[str, PromisedProperty],
        provenance: bytes,
        headers: list[tuple[str, bytes | None]],
        tolerance_ms: int,
        last_ms: int,
    ) -> ReadingWriter:
        """By name a measurement's JSON up to its value, and from there up to its quality; the lowest and
        greatest plausible value; factor, divisor and offset where it is converted. By name a property's JSON
        up to its value, its type by the contract, and which values it may have, as JSON. `provenance` is what
        stands between the properties and the uplink's id, `headers` those that all readings have. The rest is
        treaty_normalization.moments'."""

    def write(
        self,
        arrival: Arrival[Any],
        measurements: dict[str, float],
        properties: dict[str, bool | int | float | str],
        position: bytes,
        observed_at: int | None,
        index: int,
    ) -> tuple[bytes, bytes, list[tuple[str, bytes | None]]] | None:
        """The record's key, value and headers. `position` is JSON.

        None where anything is not as promised, or not to be written as it stands.
        """

from collections.abc import Mapping, Sequence
from typing import final

Headers = Sequence[tuple[str, bytes | None]]
Promised = tuple[bytes, bytes, float, float, tuple[float, float, float] | None]
PromisedProperty = tuple[bytes, str, list[bytes] | None]

def record_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int | None:
    """As treaty_chassis.kafka.sizes counts them."""

@final
class Uplink:
    """treaty_events.uplinks.UplinkAccepted without its link. A text is made when it is asked for."""

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

def read(value: bytes, headers: Headers, replays: str) -> tuple[Uplink, str, bytes | None, bool] | None:
    """The uplink, its EventId's text without the index, the traceparent, and whether there is a header of the
    name `replays`. None for anything but what ingestion writes, as it writes it."""

@final
class ReadingWriter:
    """Writes the readings of one version of a plugin."""

    def __new__(
        cls,
        measurements: Mapping[str, Promised],
        properties: Mapping[str, PromisedProperty],
        provenance: bytes,
        tolerance_ms: int,
        last_ms: int,
    ) -> ReadingWriter:
        """By name a measurement's JSON up to its value, and from there up to its quality; the lowest and
        greatest plausible value; factor, divisor and offset where it is converted. By name a property's JSON
        up to its value, its type by the contract, and which values it may have, as JSON. `provenance` is what
        stands between the properties and the uplink's id. The rest is treaty_normalization.moments'."""

    def write(
        self,
        uplink: Uplink,
        measurements: dict[str, float],
        properties: dict[str, bool | int | float | str],
        position: bytes,
        observed_at: int | None,
        place: str,
    ) -> tuple[bytes, bytes] | None:
        """The record's key and value. `position` is JSON, `place` the uplink's, as `read` tells it.

        None where anything is not as promised, or not to be written as it stands.
        """

"""LORIOT, JSON output.

Source: LORIOT documentation, "Uplink Data Message" (docs.loriot.io/display/LNS/Uplink+Data+Message: cmd rx;
data is hex, encdata where LORIOT has no AppSKey) and "Gateway Information"
(docs.loriot.io/display/LNS/Gateway+Information: cmd gw, the same frame once all its gateways have told,
receptions in gws). Times are milliseconds since 1970-01-01 UTC; dr is "SF12 BW125 4/5".

LORIOT gives no deduplication id and no session, and a gw message repeats the frame of an rx message; seqno
is not documented. A frame is therefore known by counter, port and payload together: a device that joins
anew and starts counting again does not lose its first uplinks to those of the session before.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from treaty_events.headers import Headers
from treaty_events.instants import LAST_MS
from treaty_events.links import Link, RadioGateway, link
from treaty_events.networks.fields import Counter, Eui, FPort, Hertz, Token, eui_or_none, read, read_object
from treaty_events.networks.unwrapped import (
    EventKind,
    NetworkEvent,
    NetworkUplink,
    UnwrapCode,
    UnwrapError,
    Unwrapped,
    Wrapped,
)

__all__ = ["unwrap", "wrap"]

KINDS: Final = {
    "txd": EventKind.DOWNLINK_SENT,
    "tx": EventKind.DOWNLINK_QUEUED,
    "join": EventKind.JOINED,
    "status": EventKind.STATUS_REPORTED,
}

_DATA_RATE = re.compile(r"SF([0-9]{1,2}) BW([0-9]{1,4})(?: |\Z)")


class _Reception(msgspec.Struct, gc=False):
    gweui: Token = ""
    rssi: float | None = None
    snr: float | None = None


class _Command(msgspec.Struct, gc=False):
    cmd: Token


class _Uplink(msgspec.Struct, gc=False):
    eui: Eui = msgspec.field(name="EUI")
    ts: Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)] | None = None
    fcnt: Counter | None = None
    port: FPort | None = None
    data: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-fA-F]{2})*\Z")] | None = None
    encdata: str | None = None
    freq: Hertz | None = None
    dr: Token = ""
    rssi: float | None = None
    snr: float | None = None
    gws: list[_Reception] = []


_command = msgspec.json.Decoder(_Command)
_uplink = msgspec.json.Decoder(_Uplink)


def unwrap(value: bytes, headers: Headers) -> Unwrapped:
    """Raises UnwrapError only. Headers carry nothing in this form."""
    command = read(_command, value).cmd
    if command in ("rx", "gw"):
        return _unwrap_uplink(value)
    body = read_object(value)
    ts = body.get("ts")
    return NetworkEvent(
        kind=KINDS.get(command, EventKind.OTHER),
        external_id=eui_or_none(body.get("EUI")),
        observed_at=ts if type(ts) is int and 0 <= ts <= LAST_MS else None,
        data=body,
    )


def _unwrap_uplink(value: bytes) -> Unwrapped:
    up = read(_uplink, value)
    if not up.data:
        if up.encdata:
            raise UnwrapError(
                UnwrapCode.ENCRYPTED, "$.encdata: the payload is encrypted, LORIOT has no AppSKey for it"
            )
        if not up.port:
            return NetworkEvent(EventKind.UPLINK_EMPTY, up.eui.lower(), up.ts, read_object(value))
    payload = bytes.fromhex(up.data or "")
    return NetworkUplink(
        external_id=up.eui.lower(),
        payload=payload,
        f_port=up.port,
        observed_at=up.ts,
        dedup_id=None if up.fcnt is None else _frame(up.fcnt, up.port, payload),
        counter=up.fcnt,
        link=_link(up),
    )


def _frame(counter: int, port: int | None, payload: bytes) -> str:
    digest = hashlib.blake2b(payload, digest_size=8).hexdigest()
    return f"{counter}-{'' if port is None else port}-{digest}"


def _link(up: _Uplink) -> Link:
    heard = [RadioGateway(r.gweui.lower(), r.rssi, r.snr) for r in up.gws]
    if not heard and (up.rssi is not None or up.snr is not None):
        heard = [RadioGateway("", up.rssi, up.snr)]
    rate = _DATA_RATE.match(up.dr)
    if rate is None:
        return link(heard, frequency=up.freq)
    return link(heard, int(rate[1]), up.freq, int(rate[2]) * 1000)


def wrap(
    message: Mapping[str, Any],
    *,
    external_id: str,
    at_ms: int,
    counter: int,
    dedup_id: str = "",
    data: bytes | None = None,
) -> Wrapped:
    """A real message with another device, time and counter, and `data` where given; it has no dedup id."""
    body = copy.deepcopy(dict(message))
    body["EUI"] = external_id.upper()
    body["ts"] = at_ms
    body["fcnt"] = counter
    for reception in body.get("gws", ()):
        reception["ts"] = at_ms
    if "seqno" in body:
        body["seqno"] = counter
    if data is not None:
        body["data"] = data.hex()
    return Wrapped(external_id.encode(), msgspec.json.encode(body))
